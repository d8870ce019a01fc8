package upper

import "slices"

// lean keeps FS.leans: under each base key the nodes that would lose bytes if that object
// went away, and those whose base is about to move.
func (f *FS) lean(n *Node) {
	if n == nil || n.file == nil {
		return
	}
	f.locate(n)
	st := n.file
	var keys []string
	if b := n.base; b != nil && (n.needs(b.Key) || st.move != nil) {
		keys = append(keys, b.Key)
	}
	if st.put != nil && st.put.ver.base != nil {
		if k := st.put.ver.base.Key; !slices.Contains(keys, k) && n.needs(k) {
			keys = append(keys, k)
		}
	}
	if slices.Equal(keys, st.leans) {
		return
	}
	for _, k := range st.leans {
		delete(f.leans[k], n)
		if len(f.leans[k]) == 0 {
			delete(f.leans, k)
		}
	}
	for _, k := range keys {
		if f.leans[k] == nil {
			f.leans[k] = map[*Node]struct{}{}
		}
		f.leans[k][n] = struct{}{}
	}
	st.leans = keys
}

// needs reports whether n would lose bytes if the object at key went away: its staged
// content or the version that waits for upload does not hold all of them, or it has no
// name any more and is still open.
func (n *Node) needs(key string) bool {
	st := n.file
	if b := n.base; b != nil && b.Key == key && b != st.broken {
		if st.content != nil && !st.content.full() || st.content == nil && n.gone && st.handles > 0 {
			return true
		}
	}
	if st.put == nil {
		return false
	}
	v := st.put.ver
	return v.base != nil && v.base.Key == key && v.base != st.broken && !v.full()
}
