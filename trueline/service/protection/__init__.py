"""Protection: what a connection may do before a request reaches the app, and after its answer has left it.

There is one module per thing that a client may do wrong, and ServiceProtocol, which uvicorn runs, combines them:
`read_timeouts` (sends too late), `header_limit` (sends too much), `write_timeouts` (does not read its answer),
`disconnects` (leaves) and `draining` (sends while the service stops). The app's own limits (request_limits.py) begin
once a request's head is complete; before that only the protocol knows of the client.
"""

from trueline.service.protection.disconnects import DisconnectProtocol
from trueline.service.protection.draining import DrainProtocol
from trueline.service.protection.header_limit import HeaderLimitProtocol
from trueline.service.protection.read_timeouts import ReadTimeoutProtocol
from trueline.service.protection.write_timeouts import WriteTimeoutProtocol


class ServiceProtocol(
    ReadTimeoutProtocol, HeaderLimitProtocol, WriteTimeoutProtocol, DisconnectProtocol, DrainProtocol
):
    """The service's HTTP protocol with all its limits."""
