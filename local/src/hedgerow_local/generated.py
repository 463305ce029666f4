"""The files that are made from the resources' models: CRDs, the chart's copy of them, the reference page."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from hedgerow.strategy.crds import KINDS, Kind, crd_of
from hedgerow.strategy.reference import reference_page
from hedgerow_local.dashboards import files as dashboards

_BY = "Generated from shared/src/hedgerow/strategy by `make generate`; do not edit."
_CRD_FOLDER = Path("k8s/crds")
_CHART_FOLDER = Path("charts/hedgerow/templates/crds")
_PAGE = Path("docs/reference/resources.md")

_CHART_METADATA = """\
metadata:
  name: {name}
  labels: {{{{- include "hedgerow.labels" (dict "root" $ "component" "crds") | nindent 4 }}}}
  {{{{- if .Values.crds.keep }}}}
  annotations:
    helm.sh/resource-policy: keep
  {{{{- end }}}}
"""


def generated_files() -> dict[Path, str]:
    """What each generated file should hold, by its path from the checkout's root."""
    files = {**dashboards.rendered(), _PAGE: f"<!-- {_BY} -->\n{reference_page(KINDS)}"}
    for kind in KINDS:
        text = _yaml(crd_of(kind))
        files[_CRD_FOLDER / f"{kind.plural}.yaml"] = f"# {_BY}\n{text}"
        files[_CHART_FOLDER / f"{kind.plural}.yaml"] = _as_template(kind, text)
    return files


def stale_files(root: Path) -> list[Path]:
    """Generated files of the checkout that do not hold what they should, and those that nothing makes any more."""
    wanted = generated_files()
    there = [
        file.relative_to(root)
        for folder in (_CRD_FOLDER, _CHART_FOLDER, dashboards.FOLDER)
        for file in (root / folder).glob("*")
    ]
    stale = [path for path, text in wanted.items() if _text(root / path) != text]
    return sorted({*stale, *(path for path in there if path not in wanted)})


def generate(root: Path) -> list[Path]:
    """Bring the checkout's generated files up to date.

    Returns:
        The files that were written or taken away.
    """
    wanted, stale = generated_files(), stale_files(root)
    for path in stale:
        file = root / path
        if path in wanted:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted[path])
        else:
            file.unlink()
    return stale


def _text(file: Path) -> str | None:
    return file.read_text() if file.is_file() else None


def _yaml(data: dict[str, Any]) -> str:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 10_000
    # What stands in two places is written in both.
    yaml.representer.ignore_aliases = lambda data: True
    stream = StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def _as_template(kind: Kind, text: str) -> str:
    """The CRD as a chart's template: there when `crds.enabled`, left behind at uninstall when `crds.keep`."""
    name = crd_of(kind)["metadata"]["name"]
    # What an example or a rule says in braces must not become a template's action.
    escaped = re.sub(r"\{\{|\}\}", lambda braces: '{{ "' + braces[0] + '" }}', text)
    body = escaped.replace(f"metadata:\n  name: {name}\n", _CHART_METADATA.format(name=name), 1)
    return f"{{{{- /* {_BY} */}}}}\n{{{{- if .Values.crds.enabled }}}}\n{body}{{{{- end }}}}\n"
