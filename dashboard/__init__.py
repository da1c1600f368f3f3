"""What people see: the HTTP API, the live websocket, sign-in and the web page."""
