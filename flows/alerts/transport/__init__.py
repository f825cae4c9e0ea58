"""How a message leaves: by SMTP, as a file, through a channel; each within its limit of time."""
