"""The records of one kind, and registers of the fields they are asked for by."""

from typing import Any

Record = dict[str, Any]
Register = dict[Any, dict[str, None]]  # by value: the ids of the records that have it


class Shelf:
    """Records by id, oldest first. A field asked for once has a register from then on, so that the
    next question costs what it answers and not what the shelf holds; its values must be hashable."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self._registers: dict[str, Register] = {}
        self._filed: dict[str, dict[str, Any]] = {}  # by id: where each register has it
        self._order: dict[str, int] = {}
        self._came = 0

    def put(self, record: Record) -> None:
        """Keep a record under its `id`, new or changed."""
        record_id = record["id"]
        if record_id not in self._order:
            self._came += 1
            self._order[record_id] = self._came
        self.records[record_id] = record
        for field in self._registers:
            self._file(field, record_id, record.get(field))

    def drop(self, record_id: str) -> bool:
        """Forget a record; whether there was one."""
        if self.records.pop(record_id, None) is None:
            return False
        del self._order[record_id]
        for field, value in self._filed.pop(record_id, {}).items():
            self._unfile(field, value, record_id)
        return True

    def find(self, fields: dict[str, Any]) -> list[Record]:
        """The records whose fields equal these, oldest first."""
        if not fields:
            return list(self.records.values())
        rows = min((self._register(f).get(value, {}) for f, value in fields.items()), key=len)
        found = [self.records[i] for i in sorted(rows, key=self._order.__getitem__)]
        return [r for r in found if all(r.get(f) == value for f, value in fields.items())]

    def tally(self, field: str) -> dict[Any, int]:
        """How many records have each value of a field."""
        return {value: len(ids) for value, ids in self._register(field).items()}

    def _register(self, field: str) -> Register:
        if field not in self._registers:
            self._registers[field] = {}
            for record_id, record in self.records.items():
                self._file(field, record_id, record.get(field))
        return self._registers[field]

    def _file(self, field: str, record_id: str, value: Any) -> None:
        filed = self._filed.setdefault(record_id, {})
        if field in filed:
            if filed[field] == value:
                return
            self._unfile(field, filed[field], record_id)
        filed[field] = value
        self._registers[field].setdefault(value, {})[record_id] = None

    def _unfile(self, field: str, value: Any, record_id: str) -> None:
        rows = self._registers[field][value]
        del rows[record_id]
        if not rows:
            del self._registers[field][value]
