package mountd

import "errors"

// Main is the body of mounts.DaemonCommand. It returns when the mount is gone and drained.
func Main() error { return errors.New("not built yet") }
