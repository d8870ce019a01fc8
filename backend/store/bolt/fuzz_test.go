package bolt

import "testing"

// Keys of one bucket lie together and none is mistaken for another's; after is above all of
// them and below the rest.
func FuzzKeys(f *testing.F) {
	f.Add("b", "k", "b2", "l")
	f.Fuzz(func(t *testing.T, bucket, key, other, otherKey string) {
		a, b := objectKey(bucket, key), objectKey(other, otherKey)
		if string(a) == string(b) && (bucket != other || key != otherKey) && !hasNUL(bucket) && !hasNUL(other) {
			t.Errorf("%q/%q and %q/%q are one", bucket, key, other, otherKey)
		}
		if next := after(a); next != nil && string(next) <= string(objectKey(bucket, key+otherKey)) {
			t.Errorf("%q is not after %q", next, key+otherKey)
		}
	})
}

func hasNUL(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return true
		}
	}
	return false
}
