"""The site: a page for each holder, finding and release, written where a folder or a web host shows them."""
