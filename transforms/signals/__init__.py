"""Early signals: public figures that move before the statistics come."""
