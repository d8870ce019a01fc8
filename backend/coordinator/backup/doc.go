// Package backup is the one-file backup of a coordinator's control state (SPEC B18, D6): a
// checksum over everything, and within it, encrypted or not, an archive of the documents of
// the system bucket with a manifest. It knows nothing of a store.
package backup
