package nfsfs

import (
	"errors"
	"syscall"

	nfs "github.com/willscott/go-nfs"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// status is how the protocol says an errno. What it has no word for is an I/O error.
func status(number syscall.Errno) nfs.NFSStatus {
	switch number {
	case syscall.EPERM:
		return nfs.NFSStatusPerm
	case syscall.ENOENT:
		return nfs.NFSStatusNoEnt
	case syscall.EACCES:
		return nfs.NFSStatusAccess
	case syscall.EEXIST:
		return nfs.NFSStatusExist
	case syscall.ENOTDIR:
		return nfs.NFSStatusNotDir
	case syscall.EISDIR:
		return nfs.NFSStatusIsDir
	case syscall.EINVAL, syscall.ELOOP, syscall.EILSEQ:
		return nfs.NFSStatusInval
	case syscall.EFBIG:
		return nfs.NFSStatusFBig
	case syscall.ENOSPC:
		return nfs.NFSStatusNoSPC
	case syscall.EROFS:
		return nfs.NFSStatusROFS
	case syscall.ENAMETOOLONG:
		return nfs.NFSStatusNameTooLong
	case syscall.ENOTEMPTY:
		return nfs.NFSStatusNotEmpty
	case syscall.EDQUOT:
		return nfs.NFSStatusDQuot
	case syscall.ESTALE:
		return nfs.NFSStatusStale
	case syscall.EOPNOTSUPP:
		return nfs.NFSStatusNotSupp
	}
	return nfs.NFSStatusIO
}

// failed has the reply say what err is, where the request comes to nothing because of it.
// What has no errno of its own is logged, since the status alone says little.
func (f *files) failed(op, path string, err error) error {
	if err == nil {
		return nil
	}
	var number syscall.Errno
	if !errors.As(err, &number) {
		number = upper.Errno(err)
		f.log.Warn("a file system request failed", "op", op, "name", f.display(path), "err", err)
	}
	f.conn.fail(status(number))
	return number
}
