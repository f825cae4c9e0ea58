// What DuckDB's module takes from Apache Arrow, whose script stands beside this file and fills `Arrow`.
const { RecordBatchReader, Table, tableToIPC, Type } = globalThis.Arrow;
export { RecordBatchReader, Table, tableToIPC, Type };
