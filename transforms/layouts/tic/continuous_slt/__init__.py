"""What the Continuous SLT needs beside its reader."""
