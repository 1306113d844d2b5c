package store

import (
	"hash/fnv"
	"strings"
)

// JoinKey joins parts that callers supply to one key, so that no two different lists of
// parts have the same key: JoinKey("a", "b") is "a#b" and JoinKey("a#b") is "a%23b". "%"
// and "#" inside a part are written "%25" and "%23", and "#" alone separates.
//
// A key of n parts of at most b bytes has at most 3*n*b + n - 1 bytes. DynamoDB allows
// 2048 for a partition key and 1024 for a sort key.
func JoinKey(first string, more ...string) string {
	var b strings.Builder
	escape.WriteString(&b, first)
	for _, part := range more {
		b.WriteByte('#')
		escape.WriteString(&b, part)
	}
	return b.String()
}

// SplitKey is the inverse of JoinKey: the parts of a key.
func SplitKey(key string) []string {
	parts := strings.Split(key, "#")
	for i, part := range parts {
		parts[i] = unescape.Replace(part)
	}
	return parts
}

var (
	escape   = strings.NewReplacer("%", "%25", "#", "%23")
	unescape = strings.NewReplacer("%25", "%", "%23", "#")
)

// Spread assigns a key to one of n places, counted from 0: always the same one.
func Spread(key string, n int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash never fails
	return int(h.Sum32() % uint32(n))
}
