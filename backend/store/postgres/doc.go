// Package postgres is the store.Index that many coordinators share, on a database that speaks
// PostgreSQL's protocol. It imports store and internal/, nothing else of this module.
package postgres
