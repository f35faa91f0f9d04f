"""Items of one place make a scene: its dates in order, the SAR images and the label map that cover it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from terra_cot.cloud.formats import FORMATS
from terra_cot.errors import ConfigError, DataError
from terra_cot.geo.grid import Grid
from terra_cot.geo.ground import COVERS, ground, share
from terra_cot.pixels.remote import has_secret, unsigned
from terra_cot.scene import Asset, CloudAsset, Drop, LabelAsset, Scene, SceneFrame
from terra_cot.sources.stac.catalogue import Query, items
from terra_cot.sources.stac.item import Found, scene_name
from terra_cot.sources.stac.options import (
    CollectionOptions,
    ImageOptions,
    LabelOptions,
    OpticalOptions,
    StacOptions,
    parse_span,
)
from terra_cot.sources.stac.place import area_of, clipped
from terra_cot.store.atomic import sha256_json
from terra_cot.tile import Modality
from terra_cot.timeline import iso, name_frames


def scan(root: str, options: StacOptions) -> Iterator[Scene | Drop]:
    """One scene for every place code of the optical items, or else every footprint, in order of name.

    Raises:
        ConfigError: a root that holds a secret.
        DataError: no catalogue there, or no optical item in it.
    """
    if has_secret(root):
        raise ConfigError("source.root: a dataset names its root, so it must hold no password, token or signature")
    root = root if "://" in root else str(Path(root).resolve())
    found: dict[str, list[Found]] = defaultdict(list)
    dropped = 0
    for entry in items(root, _queries(options)):
        if isinstance(entry, Drop):
            dropped += 1
            yield entry
        else:
            found[entry[0]].append(entry[1])
    if not found["optical"] and not dropped:
        raise DataError(
            "no item matches",
            file=root,
            expected=f"collection {options.optical.collection}, bbox {options.bbox}, datetime {options.datetime}",
        )
    places: dict[tuple[str, tuple[float, ...]], list[Found]] = defaultdict(list)
    for item in sorted(found["optical"], key=_by_time):
        drop = _too_cloudy(item, options)
        if drop:
            yield drop
        else:
            places[_place(item)].append(item)
    others = {role: _Near(sorted(found[role], key=_by_time)) for role in ("sar", "label")}
    named = [(code or scene_name(held[0].item_id), held) for (code, _), held in places.items()]
    for name, held in sorted(named, key=lambda entry: entry[0]):
        yield from _scene(root, name, held, others, options)
    for role, near in others.items():
        for item in near.unused():
            yield Drop("frame", f"{role}/{item.item_id}", "no_scene", "no optical scene lies there")


class _Near:
    """Items by place; it remembers which were never near a scene."""

    def __init__(self, held: list[Found]) -> None:
        self._items = held
        self._tree = STRtree([item.footprint for item in held])
        self._used: set[int] = set()

    def touching(self, area: BaseGeometry) -> list[Found]:
        numbers = sorted(int(number) for number in self._tree.query(area, predicate="intersects"))
        self._used.update(numbers)
        return [self._items[number] for number in numbers]

    def unused(self) -> list[Found]:
        return [item for number, item in enumerate(self._items) if number not in self._used]


def _queries(options: StacOptions) -> dict[str, Query]:
    wanted: dict[str, CollectionOptions | None] = {
        "optical": options.optical,
        "sar": options.sar,
        "label": options.label,
    }
    area = area_of(options.bbox)
    return {
        role: Query(
            entry.collection,
            entry.keys(),
            parse_span(entry.datetime or options.datetime),
            options.bbox,
            area,
            options.limit,
        )
        for role, entry in wanted.items()
        if entry is not None
    }


def _by_time(item: Found) -> tuple[str, str]:
    return iso(item.moment), item.item_id


def _too_cloudy(item: Found, options: StacOptions) -> Drop | None:
    most = options.max_cloud_cover
    if most is None or (item.cover is not None and item.cover <= most):
        return None
    name = f"optical/{item.item_id}"
    if item.cover is None:
        return Drop("frame", name, "unknown_cloud_cover", "no eo:cloud_cover, but max_cloud_cover is asked for")
    return Drop("frame", name, "over_cloud_cover", f"{item.cover:g} % of cloud, at most {most:g} %")


def _place(item: Found) -> tuple[str, tuple[float, ...]]:
    """What tells places apart: the code, or else the extent of the footprint to a tenth of a metre."""
    if item.place:
        return item.place, ()
    return "", tuple(round(float(edge), 6) for edge in item.footprint.bounds)


def _scene(
    root: str, name: str, held: list[Found], others: dict[str, _Near], options: StacOptions
) -> Iterator[Scene | Drop]:
    draft = _Draft(name, options)
    for item in held:
        yield from draft.add_optical(item)
    if draft.grid is None or draft.area is None or not draft.frames:
        yield Drop("scene", name, "no_frames", "every optical item was dropped")
        return
    swaths = others["sar"].touching(draft.area)
    for item in swaths:
        yield from draft.add_sar(item)
    if options.sar and not swaths:
        yield Drop("frame", f"{name}/sar", "missing_frame", f"no image of {options.sar.collection} lies there")
    if options.label:
        yield from draft.add_label(others["label"].touching(draft.area), options.label)
    named, drops = name_frames(name, draft.frames, options.pair_days)
    yield from drops
    label_frame = None
    if draft.label and options.label:
        label_frame = named[0 if options.label.frame == "first" else -1].frame
    scene = Scene(
        scene_id=name,
        source="stac",
        root=unsigned(root),
        frames=named,
        grid=draft.grid,
        label=draft.label,
        label_frame=label_frame,
        licence=options.licence,
        split=options.split,
    )
    yield replace(scene, stamp=sha256_json([draft.versions[path] for path in scene.files()]))


class _Draft:
    """A scene in the making; what it refuses is yielded as drops. `area` is the ground of its grid."""

    def __init__(self, name: str, options: StacOptions) -> None:
        self._name, self._options = name, options
        self.frames: list[SceneFrame] = []
        self.versions: dict[str, list[Any]] = {}
        self.grid: Grid | None = None
        self.area: BaseGeometry | None = None
        self.label: LabelAsset | None = None

    def add_optical(self, item: Found) -> Iterator[Drop]:
        """One date; the finest file of the first of them gives the grid."""
        wanted, name = self._options.optical, f"{self._name}/optical/{item.item_id}"
        try:
            frame, versions = self._frame(item, wanted, "optical")
            if self.grid is None:
                grids = [item.grid(key, self._options.gsd_m, self._options.sign) for key in wanted.files()]
                self.grid = clipped(min(grids, key=lambda grid: grid.gsd_m), self._options.bbox)
                self.area = ground(self.grid)
            self._check_cover(item)
        except DataError as error:
            yield Drop.of("frame", name, error)
            return
        if wanted.cloud and wanted.cloud_format:
            try:
                how = FORMATS[wanted.cloud_format]
                mask = CloudAsset(item.href(wanted.cloud, self._options.sign), how.codes, how.bits)
                versions[mask.path] = item.version(wanted.cloud)
                frame = replace(frame, cloud=mask)
            except DataError as error:
                yield Drop("frame", f"{name}/cloud", "missing_cloud_mask", str(error))
        self.frames.append(frame)
        self.versions |= versions

    def add_sar(self, item: Found) -> Iterator[Drop]:
        assert self._options.sar is not None
        try:
            self._check_cover(item)
            frame, versions = self._frame(item, self._options.sar, "sar")
        except DataError as error:
            yield Drop.of("frame", f"{self._name}/sar/{item.item_id}", error)
            return
        self.frames.append(replace(frame, unit=self._options.sar.unit))
        self.versions |= versions

    def add_label(self, held: list[Found], wanted: LabelOptions) -> Iterator[Drop]:
        """The map that covers most of the scene, of equals the newest."""
        name = f"{self._name}/label"
        shares = {item.item_id: round(self._share(item), 3) for item in held}
        taken: Found | None = None
        for item in sorted(held, key=lambda item: (shares[item.item_id], *_by_time(item)), reverse=True):
            covers = f"{item.item_id} covers {shares[item.item_id]:.1%} of the scene"
            if taken is not None:
                yield Drop("frame", f"{name}/{item.item_id}", "another_label", f"{covers}; {taken.item_id} was taken")
                continue
            try:
                self.label = LabelAsset(item.href(wanted.asset, self._options.sign), wanted.legend)
            except DataError as error:
                yield Drop.of("frame", f"{name}/{item.item_id}", error)
                continue
            taken = item
            self.versions[self.label.path] = item.version(wanted.asset)
            if shares[item.item_id] < COVERS:
                yield Drop("frame", name, "label_covers_part", f"{covers}; the rest has no label")
        if taken is None:
            yield Drop("frame", name, "missing_label", f"no map of {wanted.collection} lies there")

    def _frame(self, item: Found, wanted: ImageOptions, modality: Modality) -> tuple[SceneFrame, dict[str, list[Any]]]:
        files = wanted.files()
        offset = wanted.offset if isinstance(wanted, OpticalOptions) else None
        assets = {
            key: Asset(item.href(key, self._options.sign), bands, scales=item.scales(key, len(bands), offset))
            for key, bands in files.items()
        }
        versions = {asset.path: item.version(key) for key, asset in assets.items()}
        return SceneFrame("", iso(item.moment), modality, tuple(assets.values())), versions

    def _share(self, item: Found) -> float:
        assert self.area is not None
        return share(item.footprint, self.area)

    def _check_cover(self, item: Found) -> None:
        covers, least = self._share(item), self._options.min_cover
        if covers < least * COVERS:
            raise DataError(
                "covers too little of the scene",
                got=f"{covers:.1%}",
                expected=f"{least:.0%}",
                reason="covers_too_little",
            )
