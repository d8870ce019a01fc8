package mountd

// layer shows an upper.FS at the mountpoint: FUSE on Linux, NFS on macOS. What else
// differs between the systems is beside its two implementations: checkLayer, show,
// unmountOnce, lingers and seal.
type layer interface {
	// Wait returns when the kernel has let go of the mount.
	Wait()
	// Unmount takes a mount away that nobody uses.
	Unmount() error
	// Bytes are what programs read and wrote through the mount.
	Bytes() (read, written int64)
	// Nodes is how many files and directories the kernel may ask for without their names.
	Nodes() int
}
