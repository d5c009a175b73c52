"""Seven generated tasks, one for each family of the papers' data sets."""

from samfit.harness.miniature.tasks.camouflage import CAMOUFLAGE
from samfit.harness.miniature.tasks.leaf_disease import LEAF_DISEASE
from samfit.harness.miniature.tasks.lesion import LESION
from samfit.harness.miniature.tasks.polyp import POLYP
from samfit.harness.miniature.tasks.road import ROAD
from samfit.harness.miniature.tasks.shadow import SHADOW
from samfit.harness.miniature.tasks.task import Task
from samfit.harness.miniature.tasks.transparent import TRANSPARENT

TASKS: dict[str, Task] = {
    task.name: task for task in (CAMOUFLAGE, SHADOW, POLYP, LESION, LEAF_DISEASE, ROAD, TRANSPARENT)
}
