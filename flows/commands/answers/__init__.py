"""What the commands on findings and figures answer."""
