package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/alecthomas/repr"
)

// startErase starts a run that is not waited for.
func startErase(t *testing.T, file string) (cmd *exec.Cmd, errs *bytes.Buffer) {
	t.Helper()
	errs = &bytes.Buffer{}
	cmd = exec.CommandContext(t.Context(), binary,
		slices.Concat([]string{"erase", "--file", file, "--yes", "--approved-by", "A. Officer"}, asBoth)...)
	cmd.Stderr = errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, errs
}

// A run that is killed again and again ends with an outcome for each row; what had one is
// not asked for again, and a repeat has the first one's erasure.
func TestEraseGoesOnAfterKills(t *testing.T) {
	api := serveAPI(t)
	const customers, numbers, every = 300, 5200, 40
	var rows strings.Builder
	rows.WriteString("account,code,tenant,number\n")
	for i := range numbers {
		if i < customers {
			fmt.Fprintf(&rows, "shop,c%d,,\n", i)
		}
		fmt.Fprintf(&rows, ",,acme,n%d\n", i)
	}
	file := rowsFile(t, rows.String())
	var running atomic.Pointer[os.Process]
	var kills, last atomic.Int32
	kill := func(call int) bool {
		if call%every != 0 || int32(call) == last.Swap(int32(call)) || kills.Load() >= 8 {
			return true
		}
		kills.Add(1)
		_ = running.Load().Kill()
		return false
	}
	api.before = func(call int) bool { return call%(2*every) == 0 || kill(call) }
	api.after = func(call int) bool { return call%(2*every) != 0 || kill(call) }
	api.afterList = func(list int) bool {
		if list != 2 && list != 5 {
			return true
		}
		kills.Add(1)
		_ = running.Load().Kill()
		return false
	}
	ready := make(chan struct{}, 1)
	hold := api.before
	api.before = func(call int) bool { // not before the process is known
		ready <- <-ready
		return hold(call)
	}
	for {
		cmd, errs := startErase(t, file)
		running.Store(cmd.Process)
		ready <- struct{}{}
		err := cmd.Wait()
		<-ready
		if err == nil {
			break
		}
		if code := cmd.ProcessState.ExitCode(); code != -1 {
			t.Fatalf("exit %d: %s", code, errs)
		}
	}
	if kills.Load() < 5 {
		t.Errorf("%d kills only", kills.Load())
	}
	got, _ := rowOutcomes(t, file+".result")
	again, without := 0, 0
	for i, row := range strings.Split(rows.String(), "\n")[1 : customers+numbers+1] {
		e, parts := got[i+2], strings.Split(row, ",")
		if e.Outcome != "accepted" || e.Erasure == "" {
			without++
			t.Errorf("line %d: %s", i+2, repr.String(e))
		}
		if e.Again {
			again++
		} else if n := api.asked[parts[0]+parts[2]+"/"+parts[1]+parts[3]]; n != 1 {
			t.Errorf("line %d was asked for %d times, which its outcome does not tell", i+2, n)
		}
	}
	fmt.Printf("chaos: rows of a file %d, kills %d, rows without an outcome %d\n", len(got), kills.Load(), without)
	// A run that is killed while it writes down a list leaves a part of it, which is
	// asked for as a list of its own.
	repeated, torn := 0, 0
	for of, n := range api.asked {
		list, isList := strings.CutPrefix(of, "list/")
		if length := strings.Count(list, ",") + 1; isList && length != 1000 && length != numbers%1000 {
			torn++
		}
		if isList || strings.HasPrefix(of, "shop/") {
			repeated += n - 1
		}
	}
	if torn > int(kills.Load()) {
		t.Errorf("%d lists were made anew after %d kills", torn, kills.Load())
	}
	const underWay = 8 // calls at the same time
	if again == 0 || repeated > int(kills.Load())*underWay {
		t.Errorf("%d rows and %d calls are repeated after %d kills", again, repeated, kills.Load())
	}
}

// A line that a dying process has left unfinished is cut off, and its row asked for.
func TestEraseAfterAnUnfinishedLine(t *testing.T) {
	api := serveAPI(t)
	file := rowsFile(t, "account,code\nshop,1\nshop,2\n")
	erase(t, file, "--yes").is(t, 0, "")
	whole, err := os.ReadFile(file + ".result")
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(whole) - 1; cut > bytes.IndexByte(whole, '\n'); cut -= 7 {
		if err := os.WriteFile(file+".result", whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		erase(t, file, "--yes").is(t, 0, "")
		if got, _ := rowOutcomes(t, file+".result"); got[2].Outcome != "accepted" || got[3].Outcome != "accepted" {
			t.Errorf("cut at %d: %s", cut, repr.String(got))
		}
	}
	if api.asked["shop/2"] < 2 || len(api.ids) != 2 {
		t.Errorf("asked %v", api.asked)
	}
}

// Ctrl-C ends a run that waits for an answer, and says how to go on.
func TestSIGTERMEndsAnErasure(t *testing.T) {
	api := serveAPI(t)
	waits, release := make(chan struct{}), make(chan struct{})
	api.before = func(int) bool {
		close(waits)
		<-release
		return true
	}
	file := rowsFile(t, "account,code\nshop,1\n")
	cmd, errs := startErase(t, file)
	<-waits
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	close(release)
	result{"", errs.String(), cmd.ProcessState.ExitCode()}.is(t, 130, "interrupted, with 1 row left: call the same again, it goes on")
}

// A file of 200,000 rows takes hardly more memory than a small one, asks for each row
// once, and leaves none without an outcome.
func TestEraseManyRows(t *testing.T) {
	api := serveAPI(t)
	most := map[int]int64{}
	for _, size := range []int{2000, 200_000} {
		api.mu.Lock()
		api.asked, api.ids, api.lists = map[string]int{}, map[string]string{}, nil
		api.mu.Unlock()
		name := filepath.Join(t.TempDir(), "rows")
		out, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		rows := bufio.NewWriter(out)
		fmt.Fprintln(rows, "account,code,tenant,number")
		want, bad, twice := 0, 0, 0
		for i := range size {
			switch {
			case i%1000 == 7:
				fmt.Fprintln(rows, "shop")
				bad++
			case i%100 == 8:
				fmt.Fprintln(rows, "shop,c1,,")
				twice++
			case i%8 == 1:
				fmt.Fprintf(rows, "shop,c%d,,\n", i)
				want++
			default:
				fmt.Fprintf(rows, ",,acme,n%d\n", i)
				want++
			}
		}
		if err := rows.Flush(); err != nil {
			t.Fatal(err)
		}
		out.Close()
		cmd := exec.CommandContext(t.Context(), binary,
			slices.Concat([]string{"erase", "--file", name, "--yes", "--approved-by", "A. Officer", "--json"}, asBoth, []string{"--rate", "1000000"})...)
		cmd.Env = append(os.Environ(), "GOGC=20") // so that memory is what is held
		printed, _ := cmd.Output()
		most[size] = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
		var counts struct{ Accepted, Refused, Duplicates, Left int }
		if err := json.Unmarshal(printed, &counts); err != nil || counts.Accepted != want || counts.Refused != bad ||
			counts.Duplicates != twice || counts.Left != 0 {
			t.Errorf("%v: %s, want %d accepted, %d refused, %d duplicates", err, printed, want, bad, twice)
		}
		asked := 0
		for of, n := range api.asked {
			if !strings.HasPrefix(of, "list/") {
				asked += n
			}
		}
		if asked != want {
			t.Errorf("asked for %d rows, want %d", asked, want)
		}
	}
	if more := most[200_000] - most[2000]; more > 10<<20 {
		t.Errorf("%d MB more memory (%v)", more>>20, most)
	}
}
