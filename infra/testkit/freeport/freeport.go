// Package freeport gives tests ports for programs that they start, which take a port by
// its number.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// The ports that are given. They are below those that a system gives away by itself, so
// that no client and no listener without a wish gets one of them.
const first, count = 20_000, 12_000

// Take gives n ports, as text, that nobody listens on. They are the test's until it ends:
// no other test gets one of them, in whichever process it runs, also while nobody listens
// there yet.
func Take(t testing.TB, n int) []string {
	t.Helper()
	ports := make([]string, n)
	for i := range ports {
		port, release, err := take(first, count)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(release)
		ports[i] = port
	}
	return ports
}

var errNone = errors.New("freeport: all ports are taken")

// take claims a port among these, from a random one on. A claim is the UDP port of the
// same number, which nothing in this project uses: the system gives it to one process
// alone, and takes it back from one that dies. release ends the claim.
func take(first, count int) (port string, release func(), err error) {
	for i, at := 0, rand.IntN(count); i < count; i++ {
		port = strconv.Itoa(first + (at+i)%count)
		claim, err := net.ListenPacket("udp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", ":"+port) // a stack listens on the loopback, an engine on all
		if err != nil {
			claim.Close()
			continue
		}
		l.Close()
		return port, func() { claim.Close() }, nil
	}
	return "", nil, errNone
}
