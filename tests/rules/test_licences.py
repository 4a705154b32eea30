"""What we ship with must let people ship it."""

from importlib.metadata import distribution

from packaging.requirements import Requirement

FREE = ("MIT", "BSD", "APACHE", "PSF", "HPND", "MPL", "ISC", "ZLIB", "0BSD", "CC0", "CNRI", "UNLICENSE")


def runtime_closure(root: str) -> set[str]:
    """Every distribution that an installation of ``root`` pulls in, without extras."""
    seen: set[str] = set()
    waiting = [root]
    while waiting:
        name = waiting.pop().lower()
        if name in seen:
            continue
        seen.add(name)
        for line in distribution(name).requires or []:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                waiting.append(need.name)
    return seen


def licence(name: str) -> str:
    """Licence expression, field or classifiers, whichever the package gives; short texts only."""
    metadata = distribution(name).metadata
    classifiers = [line for line in metadata.get_all("Classifier") or [] if line.startswith("License")]
    said = [
        metadata.get("License-Expression"),
        *classifiers,
        (metadata.get("License") or "").splitlines()[:1],
    ]
    return " ".join(str(part) for part in said if part).upper()


def test_no_runtime_dependency_is_gpl_and_each_names_a_permissive_licence():
    licences = {name: licence(name) for name in runtime_closure("sidera-stack")}
    assert len(licences) > 15
    for name, said in licences.items():
        assert "GPL" not in said.replace("LGPL", ""), f"{name}: {said}"
        assert any(word in said for word in FREE), f"{name} names no permissive licence: {said!r}"
