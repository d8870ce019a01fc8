// Package postgres is the store.Index that many coordinators share, on a database that speaks
// PostgreSQL's protocol. It keeps to what PostgreSQL from version 14, CockroachDB and YugabyteDB
// have in common; only the first of them was at hand to test.
//
// migrations/ says what each table is for, sql/ has the longer statements. It imports store and
// internal/, nothing else of this module.
package postgres
