// Package bolt is the embedded store.Index on one bbolt file, with a group
// committer: writers that arrive while a transaction is being synced share the next one.
// It imports store and internal/, nothing else of this module.
package bolt
