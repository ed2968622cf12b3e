"""Our classes as pydantic field types, without depending on pydantic.

Servers declare fields such as ``list[Message | dict]`` and call ``model_dump()`` on
messages. ``Model`` gives a class both, by its JSON form; pydantic is imported only when
pydantic itself asks for a schema.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from harmony._model.checks import instance
from harmony._model.jsontext import dump, load, read_json, write_json

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

M = TypeVar("M", bound="Model")


class Model:
    """Base of classes that have a JSON form: ``to_dict`` and ``from_dict``."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        raise NotImplementedError(f"{type(self).__name__} has no JSON form")

    @classmethod
    def from_dict(cls: type[M], data: dict[str, Any]) -> M:
        """Read the JSON form. Raises ``ValueError`` naming what is wrong."""
        raise NotImplementedError(f"{cls.__name__} has no JSON form")

    def model_dump(
        self,
        *,
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        **_options: Any,
    ) -> dict[str, Any]:
        """Return the JSON form, whole or with some keys included or excluded.

        Other options of pydantic have no effect: the form is of plain JSON values,
        has no aliases and leaves out what is None.
        """
        return {
            key: value
            for key, value in self.to_dict().items()
            if (include is None or key in include)
            and (exclude is None or key not in exclude)
        }

    def model_dump_json(self, *, indent: int | None = None, **options: Any) -> str:
        """Return the form of ``model_dump`` as JSON text, indented by 2 if at all."""
        text = write_json(self.model_dump(**options))
        return text if indent is None else dump(load(text), indent=True)

    @classmethod
    def model_validate(cls: type[M], obj: Any, **_options: Any) -> M:
        """Return an object of this class, given itself or its JSON form.

        Raises ``ValueError`` for anything else.
        """
        return instance(cls.__name__, obj, cls, cls.from_dict)

    @classmethod
    def model_validate_json(cls: type[M], json_data: str | bytes, **_options: Any) -> M:
        """Return an object of this class, given its JSON form as text."""
        return cls.model_validate(read_json(cls.__name__, json_data))

    def model_copy(
        self: M, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> M:
        """Return a copy with some fields set to other values, which are not checked.

        Raises ``ValueError`` for a name that is no field.
        """
        result = copy.deepcopy(self) if deep else copy.copy(self)
        for name, value in (update or {}).items():
            if name not in result.__dict__:
                raise ValueError(f"{type(self).__name__} has no field {name!r}")
            setattr(result, name, value)
        return result

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        """Tell pydantic how to check and how to write objects of this class."""
        from pydantic_core import core_schema

        form = core_schema.dict_schema(core_schema.str_schema())
        return core_schema.no_info_plain_validator_function(
            cls.model_validate,
            json_schema_input_schema=form,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda model: model.to_dict(), return_schema=form
            ),
        )
