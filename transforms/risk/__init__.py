"""What holding and selling Treasuries risks."""
