// Package coordinator is the server of a mesh: its S3 store under /s3, its
// orchestrator API under /v1, and the control state of both, all of it kept as
// objects of the system bucket (SPEC B15). It imports backend/store, backend/s3,
// backend/workspace and internal/, never mounts, keyring or anything of a terminal.
package coordinator
