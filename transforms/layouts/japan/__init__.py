"""Files of Japan's Ministry of Finance."""
