"""Pages of publishers that state no figures but what the figures need to be understood."""
