// Package lower reads the store for a mount: listings always fresh, and bytes through
// the read cache of rclone's VFS (parallel chunked streams, sparse files on disk), used
// read-only and pinned to one ETag. It implements upper.Lower, alone imports rclone's VFS
// and backends, and knows the store only as a Source, so that no key ever enters rclone.
package lower
