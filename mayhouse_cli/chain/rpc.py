"""JSON-RPC over HTTP: batches, failover over several nodes, retries of reads within a deadline.

A node's URL carries the provider's key, and HTTP libraries put it into their exceptions: this
file is the one place that sees those exceptions, and none of their text leaves it.
"""

import io
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from web3.providers.rpc import HTTPProvider
from web3.types import RPCEndpoint

from mayhouse_cli.errors import RpcUnreachable, WrongChain
from mayhouse_cli.ports import Deadline

# One node may not use up the whole deadline while another could answer.
LONGEST_SINGLE_WAIT: Final = 10.0
FIRST_RETRY_SECONDS: Final = 0.2
LONGEST_RETRY_SECONDS: Final = 5.0
_TOO_MANY_REQUESTS: Final = 429
_CHUNK: Final = 65_536
# Single questions are refused so too: EIP-1474's "limit exceeded", and the HTTP status as code.
_RATE_LIMITED: Final = (-32005, _TOO_MANY_REQUESTS)
# How free plans of hosted providers refuse a batch, where they do not answer in JSON-RPC.
_TOO_LARGE: Final = "HTTP 413"
_NO_BATCHES: Final = ("HTTP 400", "HTTP 405", _TOO_LARGE)


@dataclass(frozen=True)
class Fault:
    """A node's JSON-RPC error: its code, its words, and what it attached."""

    code: int
    message: str
    data: Any = None


Answer = Any | Fault
Request = tuple[str, Sequence[Any]]


class NoAnswer(Exception):
    """One node gave no JSON-RPC answer; `reason` is safe to show."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class NotGiven(NoAnswer):
    """A node was not handed the bytes at all, and so cannot hold them."""


class _DeadlineAdapter(HTTPAdapter):
    """Gives every request the time that is left, and never retries by itself."""

    def __init__(self, deadline: Deadline, share: int) -> None:
        super().__init__(max_retries=0)
        self._deadline = deadline
        self._share = share

    def send(
        self,
        request: requests.PreparedRequest,
        *args: Any,
        **kwargs: Any,
    ) -> requests.Response:
        seconds = min(max(0.05, self._deadline.remaining / self._share), LONGEST_SINGLE_WAIT)
        end = time.monotonic() + seconds
        kwargs.update(timeout=seconds, stream=True)
        response = super().send(request, *args, **kwargs)
        # The library's time-out is for each read: a node that drips would outlive it.
        body = bytearray()
        try:
            while part := response.raw.read1(_CHUNK, decode_content=True):
                body += part
                if time.monotonic() > end:
                    raise requests.Timeout
        except urllib3.exceptions.TimeoutError:
            raise requests.Timeout from None
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(type(error).__name__) from None
        response.raw = io.BytesIO(bytes(body))
        return response


class Node:
    """One RPC URL; shown to people by its host alone."""

    def __init__(self, url: str, deadline: Deadline, share: int) -> None:
        """Prepare a connection; nothing is sent yet. `share` nodes divide the deadline."""
        self.host = urlsplit(url).hostname or "?"
        session = requests.Session()
        adapter = _DeadlineAdapter(deadline, share)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        # The bytes go where the configuration says, not where a node sends them on to.
        session.max_redirects = 0
        # No retries here: the provider would also repeat eth_sendRawTransaction.
        self._provider = HTTPProvider(url, session=session, exception_retry_configuration=None)
        self._takes_batches = True
        self.chain_id: int | None = None

    def ask(self, requests_: Sequence[Request]) -> list[Answer]:
        """Ask everything in one batch, or one by one where the node refuses batches."""
        if self._takes_batches and len(requests_) > 1:
            answers = self._ask_batch(requests_)
            if answers is not None:
                return answers
            self._takes_batches = False
        return [self._ask_one(request) for request in requests_]

    def _ask_batch(self, requests_: Sequence[Request]) -> list[Answer] | None:
        batch = [(RPCEndpoint(method), list(params)) for method, params in requests_]
        try:
            answers = self._guarded(lambda: _unwrap_all(self._provider.make_batch_request(batch)))
        except NoAnswer as failure:
            if failure.reason.startswith(_NO_BATCHES):
                return None
            raise
        return answers if answers is not None and len(answers) == len(requests_) else None

    def _ask_one(self, request: Request) -> Answer:
        method, params = request
        try:
            return self._guarded(
                lambda: _unwrap(self._provider.make_request(RPCEndpoint(method), list(params)))
            )
        except NoAnswer as failure:
            # A question that is too large stays so: whoever asked has to ask for less.
            if failure.reason.startswith(_TOO_LARGE):
                return Fault(0, failure.reason)
            raise

    def _guarded(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except requests.HTTPError as error:
            raise _http_failure(error) from None
        except requests.Timeout:
            raise NoAnswer("it did not answer in time") from None
        except requests.ConnectionError:
            raise NoAnswer("the connection failed") from None
        except requests.RequestException as error:
            raise NoAnswer(f"the request failed ({type(error).__name__})") from None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise NoAnswer("it did not answer in JSON-RPC") from None


def _http_failure(error: requests.HTTPError) -> NoAnswer:
    response = error.response
    status = response.status_code if response is not None else 0
    retry_after = None
    if response is not None:
        header = response.headers.get("Retry-After", "")
        retry_after = float(header) if header.isascii() and header.isdigit() else None
    words = {
        401: "it refuses the key",
        403: "it refuses the key",
        404: "no such address",
        _TOO_MANY_REQUESTS: "too many requests",
    }
    return NoAnswer(f"HTTP {status}, {words.get(status, 'the node is failing')}", retry_after)


def _unwrap_all(answers: Any) -> list[Answer] | None:
    return [_unwrap(answer) for answer in answers] if isinstance(answers, list) else None


def _unwrap(answer: Any) -> Answer:
    if not isinstance(answer, dict):
        raise TypeError("a JSON-RPC answer is an object")
    if (fault := answer.get("error")) is not None:
        if not isinstance(fault, dict):
            return Fault(0, str(fault))
        code = fault.get("code")
        if code in _RATE_LIMITED:
            raise NoAnswer("too many requests")
        return Fault(
            code if isinstance(code, int) else 0, str(fault.get("message", "")), fault.get("data")
        )
    return answer["result"]


class Rpc:
    """All configured nodes, as one: reads go to the first that answers."""

    def __init__(self, urls: Iterable[str], chain_id: int, deadline: Deadline) -> None:
        """Take the URLs in order of preference, and the chain id that each must be on."""
        addresses = tuple(urls)
        self._nodes = [Node(url, deadline, len(addresses)) for url in addresses]
        self._chain_id = chain_id
        self._deadline = deadline

    def ask(self, requests_: Sequence[Request]) -> list[Answer]:
        """Read; tried on every node and again after a pause until the deadline.

        RpcUnreachable when none answers in time, WrongChain when none does and one is on
        another chain.
        """
        pause = FIRST_RETRY_SECONDS
        while True:
            failures: list[tuple[Node, NoAnswer]] = []
            wrong: WrongChain | None = None
            for node in tuple(self._nodes):
                try:
                    return self._ask_on_our_chain(node, requests_)
                except NoAnswer as failure:
                    failures.append((node, failure))
                except WrongChain as found:
                    wrong = found
                self._ask_last(node)
            if wrong is not None:
                raise wrong
            asked = [failure.retry_after for _, failure in failures if failure.retry_after]
            wait = max([pause, *asked]) * random.uniform(0.8, 1.2)  # noqa: S311 spreads retries
            if wait >= self._deadline.remaining or _is_final(failures):
                raise _unreachable(failures)
            time.sleep(wait)
            pause = min(pause * 2, LONGEST_RETRY_SECONDS)

    def _ask_last(self, node: Node) -> None:
        """From now on the others first: one that hangs must not cost every step its time."""
        self._nodes.remove(node)
        self._nodes.append(node)

    def _ask_on_our_chain(self, node: Node, requests_: Sequence[Request]) -> list[Answer]:
        if node.chain_id is not None:
            return node.ask(requests_)
        chain_id, *answers = node.ask([("eth_chainId", []), *requests_])
        self._keep_chain_id(node, chain_id)
        return answers

    def _keep_chain_id(self, node: Node, answer: Answer) -> None:
        try:
            found = int(answer if isinstance(answer, str) else "", 16)
        except ValueError:
            raise NoAnswer("it does not tell its chain id") from None
        if found != self._chain_id:
            raise WrongChain(
                f"The node at {node.host} is on chain {found}, configured is {self._chain_id}",
                hint="Set CHAIN_ID (chain_id) or BLOCKCHAIN_RPC_URL so that they agree.",
            )
        node.chain_id = found

    def send(self, raw: bytes) -> list[Answer | NoAnswer]:
        """Hand raw bytes to the nodes until one accepts them; each is asked at most once.

        A Fault is a node's refusal; a NoAnswer leaves open what became of the bytes there, but
        for a NotGiven: they never went to that node.
        """
        answers: list[Answer | NoAnswer] = []
        for node in self._nodes:
            answers.append(self._offer(node, raw))
            if isinstance(answers[-1], str):
                break
        return answers

    def send_all(self, raws: Sequence[bytes]) -> list[list[Answer | NoAnswer]]:
        """Hand over many, in their order and one request a node; each answered as in `send`."""
        answers: list[list[Answer | NoAnswer]] = [[] for _ in raws]
        for node in self._nodes:
            missing = [n for n, said in enumerate(answers) if not (said and _is_hash(said[-1]))]
            if not missing:
                break
            for number, answer in zip(
                missing, self._offer_all(node, [raws[n] for n in missing]), strict=True
            ):
                answers[number].append(answer)
        return answers

    def _offer(self, node: Node, raw: bytes) -> Answer | NoAnswer:
        return self._offer_all(node, [raw])[0]

    def _offer_all(self, node: Node, raws: Sequence[bytes]) -> list[Answer | NoAnswer]:
        try:
            if node.chain_id is None:
                self._keep_chain_id(node, node.ask([("eth_chainId", [])])[0])
        except NoAnswer as failure:
            return [NotGiven(failure.reason) for _ in raws]
        except WrongChain as wrong:
            return [NotGiven(wrong.message) for _ in raws]
        try:
            answers = node.ask([("eth_sendRawTransaction", ["0x" + raw.hex()]) for raw in raws])
        except NoAnswer as failure:
            return [failure for _ in raws]
        return [
            answer if isinstance(answer, str | Fault) else NoAnswer("it did not answer with a hash")
            for answer in answers
        ]


def _is_hash(answer: Answer | NoAnswer) -> bool:
    return isinstance(answer, str)


def _is_final(failures: Sequence[tuple[Node, NoAnswer]]) -> bool:
    """A refused key or address does not heal by waiting."""
    return all(
        failure.reason.startswith(("HTTP 401", "HTTP 403", "HTTP 404")) for _, failure in failures
    )


def _unreachable(failures: Sequence[tuple[Node, NoAnswer]]) -> RpcUnreachable:
    told = "; ".join(f"{node.host}: {failure.reason}" for node, failure in failures)
    return RpcUnreachable(
        f"No usable answer from the Ethereum node ({told})",
        hint="Check BLOCKCHAIN_RPC_URL and the network, then run it again: nothing was sent.",
    )
