package engines

import "time"

// SetLeaseTime has Options.Alone wait that long for others to go. It returns what undoes that.
func SetLeaseTime(d time.Duration) (undo func()) {
	was := leaseTime
	leaseTime = d
	return func() { leaseTime = was }
}
