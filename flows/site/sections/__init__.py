"""What each section of the page shows, as the values that its template reads."""
