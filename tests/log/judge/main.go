// The judge reads a log that Kanhe has written and says what it finds, with the Merkle tree, tiles
// and notes of golang.org/x/mod: code that knows nothing of Kanhe.
//
// Usage: judge DIR VKEY, where DIR holds `checkpoint`, `tile/…` and optionally `proofs`.
//
// (1) The checkpoint is a note signed by VKEY, and names a size and a root. (2) The entries of all
// bundles hash to that root. (3) Each tile that a tree of this size has is a file with exactly the
// bytes that follow from the entries. (4) Records are proven from the tiles alone. (5) Each line of
// `proofs`, `inclusion INDEX SIZE LEAF ROOT HASHES` or `consistency OLD SIZE OLDROOT ROOT HASHES`, is
// accepted. It prints the paths of (3), one to a line, and ends with status 1 at the first fault.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

var dir string

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func check(err error, doing string) {
	if err != nil {
		fail("%s: %v", doing, err)
	}
}

// path is where C2SP keeps a tile: as Go's own path, without the height.
func path(t tlog.Tile) string {
	return strings.Replace(t.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
}

func read(path string) []byte {
	content, err := os.ReadFile(filepath.Join(dir, path))
	check(err, "reading")
	return content
}

func openCheckpoint(vkey string) tlog.Tree {
	verifier, err := note.NewVerifier(vkey)
	check(err, "reading the key")
	opened, err := note.Open(read("checkpoint"), note.VerifierList(verifier))
	check(err, "opening the checkpoint")
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		fail("the checkpoint has other lines than origin, size and root")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "reading the size")
	root, err := tlog.ParseHash(lines[2])
	check(err, "reading the root")
	return tlog.Tree{N: size, Hash: root}
}

// readEntries hashes the entries of all bundles into the hashes that Go stores for them.
func readEntries(size int64) []tlog.Hash {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for n := int64(0); n < size; {
		width := min(size-n, 1<<height)
		t := tlog.Tile{H: height, L: -1, N: n >> height, W: int(width)}
		rest := read(strings.Replace(path(t), "tile/data/", "tile/entries/", 1))
		for i := int64(0); i < width; i++ {
			if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
				fail("bundle %d ends in entry %d", t.N, i)
			}
			end := 2 + int(binary.BigEndian.Uint16(rest))
			more, err := tlog.StoredHashes(n, rest[2:end], reader)
			check(err, "hashing an entry")
			stored, rest, n = append(stored, more...), rest[end:], n+1
		}
		if len(rest) > 0 {
			fail("bundle %d has %d bytes too many", t.N, len(rest))
		}
	}
	return stored
}

// files answers requests for tiles from the folder.
type files struct{}

func (files) Height() int                          { return height }
func (files) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, t := range tiles {
		found[i] = read(path(t))
	}
	return found, nil
}

func hashes(words []string) []tlog.Hash {
	found := make([]tlog.Hash, len(words))
	for i, word := range words {
		hash, err := tlog.ParseHash(word)
		check(err, "reading a hash")
		found[i] = hash
	}
	return found
}

func checkProofs() {
	content, err := os.ReadFile(filepath.Join(dir, "proofs"))
	if os.IsNotExist(err) {
		return
	}
	check(err, "reading the proofs")
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		first, err := strconv.ParseInt(words[1], 10, 64)
		check(err, "reading a number")
		size, err := strconv.ParseInt(words[2], 10, 64)
		check(err, "reading a number")
		h := hashes(words[3:])
		if words[0] == "inclusion" {
			check(tlog.CheckRecord(h[2:], size, h[1], first, h[0]), lines.Text())
		} else {
			check(tlog.CheckTree(h[2:], size, h[1], first, h[0]), lines.Text())
		}
	}
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func main() {
	dir = os.Args[1]
	// (1) The checkpoint.
	tree := openCheckpoint(os.Args[2])
	// (2) The entries.
	stored := readEntries(tree.N)
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	root, err := tlog.TreeHash(tree.N, reader)
	check(err, "hashing the tree")
	if root != tree.Hash {
		fail("the entries hash to %v, the checkpoint says %v", root, tree.Hash)
	}
	// (3) The tiles.
	for _, t := range tlog.NewTiles(height, 0, tree.N) {
		wanted, err := tlog.ReadTileData(t, reader)
		check(err, "making a tile")
		if !bytes.Equal(read(path(t)), wanted) {
			fail("%s is not what follows from the entries", path(t))
		}
		fmt.Println(path(t))
	}
	// (4) Records from tiles alone, which authenticates the tiles against the root on the way.
	tiles := tlog.TileHashReader(tree, files{})
	for _, n := range []int64{0, tree.N / 3, tree.N - 1} {
		proof, err := tlog.ProveRecord(tree.N, n, tiles)
		check(err, "proving a record")
		leaf := stored[tlog.StoredHashIndex(0, n)]
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaf), "checking a record")
	}
	// (5) Proofs that Kanhe has made.
	checkProofs()
}
