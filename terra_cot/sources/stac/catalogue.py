"""Items of a catalogue as plain JSON: from the search of an API where there is one, else by a walk over its links.

What cannot be read at the root is an error, what cannot be read below it a drop. No request waits for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shapely.geometry.base import BaseGeometry

from terra_cot.errors import ConfigError, DataError, shorten
from terra_cot.pixels.remote import is_remote, unsigned
from terra_cot.scene import Drop
from terra_cot.sources.stac.item import Found, footprint, in_span, joined
from terra_cot.sources.stac.options import Span
from terra_cot.timeline import iso

if TYPE_CHECKING:
    from pystac_client.stac_api_io import StacApiIO

TIMEOUT_S = 30.0
RETRIES = 3
_SEARCH = "/item-search"  # of the conformance class, whatever its version


@dataclass(frozen=True, slots=True)
class Query:
    """Items of a collection that touch `area` (lon/lat; None: anywhere) within a span; at most `limit`."""

    collection: str
    assets: frozenset[str]
    span: Span
    bbox: tuple[float, float, float, float] | None
    area: BaseGeometry | None
    limit: int


def items(root: str, queries: Mapping[str, Query]) -> Iterator[tuple[str, Found] | Drop]:
    """(role, item) of every query that an item answers, and what could not be read.

    Raises:
        ConfigError: the extra is not installed.
        DataError: no STAC at the root, or a search that fails.
    """
    client = _client()
    document = _read(client, root)
    kind = document.get("type")
    left = {role: query.limit for role, query in queries.items()}
    if kind == "Catalog" and any(str(name).endswith(_SEARCH) for name in document.get("conformsTo") or ()):
        listed: Iterator[tuple[tuple[str, ...], Any, str] | Drop] = _searched(client, root, queries)
    elif kind == "FeatureCollection":
        listed = ((tuple(queries), body, root) for page in _pages(client, root) for body in _features(page, root))
    elif kind in ("Catalog", "Collection", "Feature"):
        listed = _walked(client, root, document, queries, set())
    else:
        raise DataError(
            "no STAC",
            file=unsigned(root),
            field="type",
            got=kind,
            expected="Catalog, Collection, FeatureCollection or Feature",
        )
    for entry in listed:
        if isinstance(entry, Drop):
            yield entry
            continue
        roles, body, base = entry
        for role in roles:
            query = queries[role]
            try:
                if not _answers(body, query):
                    continue
                found = Found(body, base, query.assets)
            except DataError as error:
                name = body.get("id") if isinstance(body, dict) else None
                yield Drop("frame", f"{query.collection}/{name or unsigned(base)}", error.reason, str(error))
                continue
            left[role] -= 1
            if left[role] == -1:
                detail = f"more than {query.limit} items match; the rest was not read"
                yield Drop("frame", query.collection, "over_limit", detail)
            elif left[role] >= 0:
                yield role, found
        if all(number < 0 for number in left.values()):
            return


def _client() -> StacApiIO:
    try:
        from pystac_client.stac_api_io import StacApiIO
        from urllib3 import Retry
    except ImportError:
        raise ConfigError("source.kind stac needs the package pystac-client: pip install 'terra-cot[stac]'") from None
    again = Retry(total=RETRIES, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504), allowed_methods=None)
    return StacApiIO(timeout=TIMEOUT_S, max_retries=again)


def _answers(body: Any, query: Query) -> bool:
    if not isinstance(body, dict) or body.get("type") != "Feature":
        raise DataError("no item: not a GeoJSON feature", reason="not_an_item")
    if body.get("collection") != query.collection:
        return False
    return in_span(body, query.span) and (query.area is None or footprint(body).intersects(query.area))


def _searched(
    client: StacApiIO, root: str, queries: Mapping[str, Query]
) -> Iterator[tuple[tuple[str, ...], Any, str] | Drop]:
    from pystac_client import Client

    with _plain_errors(root):
        api = Client.open(root, stac_io=client)
    for role, query in queries.items():
        ends = [iso(end) if end else ".." for end in query.span]
        with _plain_errors(root):
            search = api.search(
                collections=[query.collection],
                bbox=query.bbox,
                datetime=None if ends == ["..", ".."] else "/".join(ends),
                max_items=query.limit + 1,
                limit=min(query.limit + 1, 100),
            )
            for body in search.items_as_dicts():
                yield (role,), body, _self_link(body) or root


def _self_link(body: Any) -> str | None:
    links = body.get("links") if isinstance(body, dict) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "self" and isinstance(link.get("href"), str):
            return str(link["href"])
    return None


def _pages(client: StacApiIO, root: str) -> Iterator[dict[str, Any]]:
    with _plain_errors(root):
        yield from client.get_pages(root)


def _features(page: dict[str, Any], root: str) -> list[Any]:
    features = page.get("features")
    if not isinstance(features, list):
        raise DataError("no list of items", file=unsigned(root), field="features", got=features)
    return features


def _walked(
    client: StacApiIO, href: str, document: dict[str, Any], queries: Mapping[str, Query], seen: set[str]
) -> Iterator[tuple[tuple[str, ...], Any, str] | Drop]:
    """Items below a static catalogue, in the order of its links; each catalogue is read once."""
    if document.get("type") == "Feature":
        yield tuple(queries), document, href
        return
    seen.add(href)
    wanted = {query.collection for query in queries.values()}
    other = document.get("type") == "Collection" and document.get("id") not in wanted  # its items are of no use
    links = document.get("links")
    for link in links if isinstance(links, list) else ():
        rel = link.get("rel") if isinstance(link, dict) else None
        if rel not in ("child", "item") or (rel == "item" and other):
            continue
        to = str(link.get("href"))
        try:
            below = joined(href, to)
            if below in seen:
                continue
            inner = _read(client, below)
        except DataError as error:
            yield Drop("frame", shorten(to), f"{rel}_unreadable", str(error))
        else:
            yield from _walked(client, below, inner, queries, seen)


def _read(client: StacApiIO, href: str) -> dict[str, Any]:
    with _plain_errors(href):
        document = client.read_json(href)
    if not isinstance(document, dict):
        raise DataError("no STAC: not a JSON object", file=unsigned(href))
    return document


@contextmanager
def _plain_errors(href: str) -> Iterator[None]:
    """Whatever a client, a server or a disk does wrong is one DataError with the address."""
    from pystac import STACError
    from pystac_client.exceptions import APIError
    from requests import RequestException

    # Malformed JSON reaches the client's own code, which stumbles over it in the ways of the last line.
    wrong = (APIError, STACError, RequestException, OSError)
    malformed = (ValueError, KeyError, TypeError, AttributeError, NotImplementedError)
    try:
        yield
    except (*wrong, *malformed) as error:
        status = getattr(error, "status_code", None)
        why = f"HTTP {status}" if status else shorten(str(error)) or type(error).__name__
        fix = None if is_remote(href) else "give the URL of an API, or the URL or path of a catalogue"
        raise DataError(f"the catalogue cannot be read ({why})", file=unsigned(href), fix=fix) from None
