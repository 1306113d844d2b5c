package freeport

import (
	"errors"
	"net"
	"slices"
	"testing"
)

// A port has one owner until it is given back, though nobody listens there, and one that
// somebody listens on is nobody's.
func TestAPortHasOneOwner(t *testing.T) {
	first, few := 19_990, 5
	busy, err := net.Listen("tcp", ":19992")
	if err != nil {
		t.Skip(err)
	}
	defer busy.Close()
	var taken []string
	var last func()
	for range few - 1 {
		port, release, err := take(first, few)
		if err != nil {
			t.Fatalf("after %v: %v", taken, err)
		}
		defer release()
		if port == "19992" || slices.Contains(taken, port) {
			t.Errorf("%s is given, too, after %v", port, taken)
		}
		taken, last = append(taken, port), release
	}
	if port, release, err := take(first, few); !errors.Is(err, errNone) {
		release()
		t.Errorf("%s is given a second time: %v", port, err)
	}
	last()
	port, release, err := take(first, few)
	if err != nil || port != taken[len(taken)-1] {
		t.Fatalf("%s, %v: what was given back is not given again", port, err)
	}
	release()
}

func TestTakenPortsCanBeListenedOn(t *testing.T) {
	ports := Take(t, 4)
	for _, port := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // so that two of one number would be found
	}
}
