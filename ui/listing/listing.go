package listing

import (
	"sort"
	"time"
)

// Entry is one name of a listing: an object, or a folder with what lies below it.
type Entry struct {
	Name     string // without what all names begin with; a folder's ends in "/"
	Size     int64  // bytes; of a folder 0
	Modified time.Time
	Folder   bool
}

// chunk is a few thousand entries side by side. A million of them take some 16 bytes
// each and their names, whatever the garbage collector thinks of a million strings.
type chunk struct {
	names []byte
	ends  []uint32 // where each name ends in names
	sizes []int64  // folder: -1
	times []uint32 // seconds since 1970; 0: none
}

const (
	chunkBits = 12
	chunkSize = 1 << chunkBits
)

// Builder gathers entries. It belongs to one goroutine; what it hands out does not.
type Builder struct {
	list List
	last string // name
}

// Add appends an entry.
func (b *Builder) Add(e Entry) {
	l := &b.list
	l.mixed = l.mixed || e.Name < b.last
	b.last = e.Name
	if l.n%chunkSize == 0 {
		l.chunks = append(l.chunks, chunk{
			ends: make([]uint32, 0, chunkSize), sizes: make([]int64, 0, chunkSize), times: make([]uint32, 0, chunkSize),
		})
	}
	c := &l.chunks[len(l.chunks)-1]
	size := e.Size
	if e.Folder {
		size = -1
	}
	at := uint32(0)
	if !e.Modified.IsZero() {
		at = uint32(max(e.Modified.Unix(), 0))
	}
	c.names = append(c.names, e.Name...)
	c.ends = append(c.ends, uint32(len(c.names)))
	c.sizes = append(c.sizes, size)
	c.times = append(c.times, at)
	l.n++
	l.bytes += e.Size
	if l.n%chunkSize == 0 {
		c.names = append(make([]byte, 0, len(c.names)), c.names...) // nothing is added to it any more
	}
}

// List is what was added so far. It never changes, whatever is added later.
func (b *Builder) List() List {
	l := b.list
	l.chunks = append([]chunk(nil), l.chunks...)
	return l
}

// List is entries in the order they were added. Its zero value is empty. It may be
// read from several goroutines.
type List struct {
	chunks []chunk
	n      int
	bytes  int64
	mixed  bool // the names are not in the order of their bytes
}

// Len is the number of entries.
func (l List) Len() int { return l.n }

// Bytes is what all entries hold.
func (l List) Bytes() int64 { return l.bytes }

// At is entry i.
func (l List) At(i int) Entry {
	c, j := &l.chunks[i>>chunkBits], i&(chunkSize-1)
	e := Entry{Name: string(c.name(j)), Size: c.sizes[j]}
	if e.Size < 0 {
		e.Size, e.Folder = 0, true
	}
	if c.times[j] > 0 {
		e.Modified = time.Unix(int64(c.times[j]), 0)
	}
	return e
}

// Find is the number of the entry with this name.
func (l List) Find(name string) (int, bool) {
	if l.mixed {
		for i := range l.n {
			if string(l.name(uint32(i))) == name {
				return i, true
			}
		}
		return 0, false
	}
	i := sort.Search(l.n, func(i int) bool { return string(l.name(uint32(i))) >= name })
	return i, i < l.n && string(l.name(uint32(i))) == name
}

func (c *chunk) name(j int) []byte {
	from := uint32(0)
	if j > 0 {
		from = c.ends[j-1]
	}
	return c.names[from:c.ends[j]]
}

func (l List) name(i uint32) []byte     { return l.chunks[i>>chunkBits].name(int(i & (chunkSize - 1))) }
func (l List) size(i uint32) int64      { return l.chunks[i>>chunkBits].sizes[i&(chunkSize-1)] }
func (l List) modified(i uint32) uint32 { return l.chunks[i>>chunkBits].times[i&(chunkSize-1)] }
