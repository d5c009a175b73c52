"""Seven generated tasks, one for each family of the papers' data sets."""

from harness.miniature.tasks.camouflage import CAMOUFLAGE
from harness.miniature.tasks.leaf_disease import LEAF_DISEASE
from harness.miniature.tasks.lesion import LESION
from harness.miniature.tasks.polyp import POLYP
from harness.miniature.tasks.road import ROAD
from harness.miniature.tasks.shadow import SHADOW
from harness.miniature.tasks.task import Task
from harness.miniature.tasks.transparent import TRANSPARENT

TASKS: dict[str, Task] = {
    task.name: task for task in (CAMOUFLAGE, SHADOW, POLYP, LESION, LEAF_DISEASE, ROAD, TRANSPARENT)
}
