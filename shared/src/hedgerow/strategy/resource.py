"""What every resource has: the API version, its kind and its metadata."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from hedgerow.strategy.fields import AnnotationValue, LabelKey, LabelValue, Name, Part, name_of_resource
from hedgerow.strategy.rules import on_block

API_VERSION = "hedgerow.dev/v1alpha1"


class Metadata(Part):
    """Which resource this is."""

    name: Name = Field(description="Name of the resource, unique within its namespace and kind.")
    namespace: Name = Field(default="default", description="Namespace that the resource lives in.")
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=64)] = Field(
        default_factory=dict, description="Labels to select resources by."
    )
    annotations: Annotated[dict[LabelKey, AnnotationValue], Field(max_length=64)] = Field(
        default_factory=dict, description="Notes that nothing is selected by."
    )


class Resource(Part):
    """A declared resource."""

    model_config = ConfigDict(json_schema_extra=on_block(name_of_resource()))

    api_version: Literal["hedgerow.dev/v1alpha1"] = Field(description="Version of this resource's schema.")
    metadata: Metadata = Field(description="Name, namespace, labels and annotations.")

    @property
    def key(self) -> str:
        """How the resource is named everywhere: `namespace/name`."""
        return f"{self.metadata.namespace}/{self.metadata.name}"
