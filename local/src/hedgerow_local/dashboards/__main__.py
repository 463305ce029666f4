from hedgerow_local.dashboards.write import write
from hedgerow_local.layout import find_layout

write(find_layout().root)
