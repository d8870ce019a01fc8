// Package objects lists, moves and compares the objects of buckets and workspaces and the
// files of this machine: pages as they arrive, transfers that are verified end to end and
// leave nothing half done. It speaks S3 through mounts/remote, and imports neither the
// coordinator nor keyring: who opens a Store has found its keys.
package objects
