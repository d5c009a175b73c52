"""Reading: how the files of a data set are to be read, where that does not follow from them."""

from dataclasses import dataclass
from typing import Literal

from samfit.typed import Typed, checked, option

MasksAre = Literal["auto", "binary", "classes", "instances", "soft"]
Foreground = Literal["", "any"]


@checked
@dataclass(frozen=True, kw_only=True)
class Reading(Typed):
    """What a user says about a data set; the defaults find out, and say what they found.

    Attributes:
    """

    layout: str = option(
        "auto",
        "How the folder is organised: auto, a usual layout such as coco, voc or nnunet, or a "
        "paper's data set such as cod10k.",
    )
    masks: MasksAre = option(
        "auto",
        "What the values in masks are: one object (binary), class indices (classes), the ids of "
        "objects (instances), or grey levels (soft). Default: found out from all masks.",
    )
    classes: str = option(
        "",
        "Number of classes, background included (1 for masks of one object); or which class each "
        "value or colour is, such as 255:0,128:1,0:2 or ff0000:1; or a .csv or .txt file of these. "
        "Default: found out from all masks.",
    )
    ignore: str = option(
        "", "Value or colour of pixels that nobody labelled, such as 0. Default: 255 with classes."
    )
    foreground: Foreground = option(
        "", "With any, every value other than 0 is the object: masks of one object."
    )
    intensity: str = option(
        "",
        "Range LOW:HIGH of the images' values that becomes black to white, such as 0:4095. "
        "Default: that of 8 bits, or for other images that of the training set.",
    )
    channels: str = option(
        "", "Three channels that become red, green and blue, or one, such as 2,0,1, from 0."
    )
    axis: int = option(-1, "Axis of a volume that its slices are counted along.", ge=-4, le=3)
    columns: str = option(
        "", "Columns of a CSV file that hold image and mask, such as img_path,mask_path."
    )


AS_FOUND = Reading()  # nothing is said: all is found out
