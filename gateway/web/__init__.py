"""HTTP, the WebSocket feed and the station page."""
