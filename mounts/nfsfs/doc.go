// Package nfsfs shows an upper.FS through NFS version 3 on a loopback port, for systems
// without FUSE: macOS mounts it with mount_nfs(8). It imports upper and the NFS library, and
// knows neither the store nor the mount process.
//
// A loopback port authenticates nobody, so that what a caller shows decides:
//
//   - MOUNT answers once, to who asks for a name that was made up for this mount.
//   - A file handle is an inode number with a keyed sum. A request without a valid one is
//     not read any further.
//   - The user that the kernel says a request is from must be the mount's, or root.
//
// NFS has no close(2): a program's close sends what it wrote, each piece of which is a
// closed version here, on disk before it is answered. Names and attributes are in the
// journal by then.
package nfsfs
