"""What pages have in common: their look, their plots, and how they are made of a template."""

import base64
import io
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from samfit.harness.report.kit.picture import pictures
from samfit.harness.report.kit.tables import side

HERE = Path(__file__).parent


class Plot(NamedTuple):
    """A plot as the page shows it.

    Attributes:
        title: of one line.
        text: what it shows, for those who cannot see it.
        png: the picture.
    """

    title: str
    text: str
    png: bytes

    @property
    def data_uri(self) -> str:
        """The very pixels of the picture, in fewer bytes than a PNG takes."""
        webp = io.BytesIO()
        Image.open(io.BytesIO(self.png)).save(webp, "WEBP", lossless=True)
        return f"data:image/webp;base64,{base64.b64encode(webp.getvalue()).decode()}"

    @classmethod
    def of(cls, figure: Figure, png: bytes | None = None) -> "Plot":
        """A figure, of which the picture may exist already."""
        title, *texts = (text.get_text().replace("\n", " ") for text in figure.texts)
        (drawn,) = [png] if png else pictures("", figure, ["png"]).values()
        return cls(title, " ".join(texts), drawn)


def render(folder: Path, template: str, **values: Any) -> bytes:
    """The page that a template in ``folder`` makes of ``values``, in UTF-8: it needs no other file.

    The template has ``shared.html``, ``css``, and whatever it is given; text is escaped.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"side": side, "breakable": breakable}
    values = {"css": own(HERE / "shared.css"), "shared": own(HERE / "shared.js"), **values}
    return environment.get_template(template).render(**values).encode()


def breakable(text: str) -> Markup:
    """``text`` as a table has it, in which a terminal's line may end where a page's need not."""
    return Markup("<wbr>").join(text.split("\n"))


def own(file: Path) -> Markup:
    """A file of ours, to be written into the page as it is."""
    return Markup(file.read_text(encoding="utf-8"))
