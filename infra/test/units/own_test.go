package units

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/bench"
	"customercare/infra/local/lambda"
	"customercare/infra/quotas"
)

// own counts what the product does at rest, behind all that was erased: one run of every
// function that a schedule starts, of processes that have run before; and how large the
// items are that stay.
func (s *meteredStack) own(ctx context.Context) (own bench.Own, err error) {
	for _, schedule := range s.Template.Schedules {
		at := slices.IndexFunc(s.Template.Functions, func(f lambda.Function) bool { return f.Name == schedule.Function })
		if at < 0 || schedule.Every == 0 {
			return own, fmt.Errorf("a schedule that this program does not know: %+v", schedule)
		}
		function := s.Template.Functions[at]
		run := func() error {
			_, err := s.Invoke(ctx, function.Folder, []byte(`{"source":"aws.events"}`))
			return err
		}
		if err := run(); err != nil {
			return own, err
		}
		signed, read := len(s.KMS().Calls()), len(s.Secrets().Calls())
		calls, err := s.during(ctx, run)
		if err != nil {
			return own, err
		}
		own.Runs = append(own.Runs, bench.Run{
			Function: function.Folder, ADay: int(24 * time.Hour / schedule.Every),
			Count:      count(callsOf(calls, function.Folder)),
			Signatures: len(s.KMS().Calls()) - signed, Secrets: len(s.Secrets().Calls()) - read,
		})
	}
	own.Kept, err = s.kept(ctx)
	return own, err
}

// kept looks at all items that stay: the largest record of one subject and of 1000
// numbers, the latter with the item of its subjects, and the largest pointer.
func (s *meteredStack) kept(ctx context.Context) (k bench.Kept, err error) {
	numbers, subjects, leaves, tiles := 0, 0, 0, 0
	look := func(item attribute.Item) {
		size, key := quotas.Size(item), attribute.ReadText(item, "erasureId")+attribute.ReadText(item, "part")
		_, apart := item["subjectsIn"]
		switch {
		case strings.HasPrefix(key, "erasure-") && apart:
			numbers = max(numbers, size)
		case strings.HasPrefix(key, "erasure-") && attribute.ReadText(item, "kind") == "customer":
			k.Record = max(k.Record, size)
		case strings.HasPrefix(key, "subjects-"):
			subjects = max(subjects, size)
		case strings.HasPrefix(key, "customer-"):
			k.Pointer = max(k.Pointer, size)
		case strings.HasPrefix(key, "tile/0/"):
			hashes, _ := item["hashes"].(*types.AttributeValueMemberB)
			tiles, leaves = tiles+size, leaves+len(hashes.Value)/32
		}
	}
	for _, id := range []string{"Erasures", "Log"} {
		pages := dynamodb.NewScanPaginator(s.DynamoDB(), &dynamodb.ScanInput{TableName: aws.String(s.Table(id))})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return k, err
			}
			for _, item := range page.Items {
				look(item)
			}
		}
	}
	k.Numbers, k.Leaf = numbers+subjects, tiles/max(1, leaves)
	if k.Record == 0 || numbers == 0 || subjects == 0 || k.Pointer == 0 || k.Leaf == 0 {
		err = fmt.Errorf("something that stays was not found: %+v", k)
	}
	return k, err
}

// metrics is how many metrics the functions write that a schedule starts: of the lines of
// their last runs, in which there was nothing to do.
func metrics(log []byte, runs []bench.Run) int {
	names := map[string]bool{}
	for line := range bytes.Lines(log) {
		function, text, _ := bytes.Cut(line, []byte(": "))
		if !slices.ContainsFunc(runs, func(r bench.Run) bool { return r.Function == string(function) }) {
			continue
		}
		var said struct {
			AWS struct {
				CloudWatchMetrics []struct{ Metrics []struct{ Name string } }
			} `json:"_aws"`
		}
		_ = json.Unmarshal(text, &said) // what is no JSON has none
		for _, of := range said.AWS.CloudWatchMetrics {
			for _, metric := range of.Metrics {
				names[metric.Name] = true
			}
		}
	}
	return len(names)
}

// lines is how long the lines of log are that functions have written, the shortest of
// each kind: that of a call about one subject. A kind is "function: message".
func lines(log []byte) map[string]int {
	all := map[string]int{}
	for line := range bytes.Lines(log) {
		function, text, ok := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		var said struct{ Msg string }
		if !ok || json.Unmarshal(text, &said) != nil || said.Msg == "" {
			continue
		}
		kind := string(function) + ": " + said.Msg
		if known, is := all[kind]; !is || len(text) < known {
			all[kind] = len(text)
		}
	}
	return all
}

// holdsOwn holds own.json against what was counted, or writes it. Sizes differ by some
// digits from run to run.
func holdsOwn(t *testing.T, root string, counted bench.Own) {
	t.Helper()
	if os.Getenv("UPDATE") == "1" {
		text, err := json.MarshalIndent(counted, "", "  ")
		if err == nil {
			err = os.WriteFile(filepath.Join(root, filepath.FromSlash(bench.OwnFile)), append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := bench.ReadOwn(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Runs) != len(counted.Runs) {
		t.Fatalf("%d scheduled functions were counted, own.json has %d", len(counted.Runs), len(want.Runs))
	}
	for i, run := range counted.Runs {
		if run != want.Runs[i] {
			t.Errorf("counted %+v\nown.json has %+v", run, want.Runs[i])
		}
	}
	if counted.Metrics != want.Metrics {
		t.Errorf("the scheduled functions write %d metrics, own.json has %d", counted.Metrics, want.Metrics)
	}
	is, was := counted.Kept, want.Kept
	near(t, "a record", is.Record, was.Record)
	near(t, "a record of 1000 numbers", is.Numbers, was.Numbers)
	near(t, "a pointer", is.Pointer, was.Pointer)
	near(t, "a leaf", is.Leaf, was.Leaf)
	for kind := range want.Lines {
		near(t, kind, counted.Lines[kind], want.Lines[kind])
	}
	for kind := range counted.Lines {
		if want.Lines[kind] == 0 {
			t.Errorf("own.json has no line %q", kind)
		}
	}
}

// near allows for the digits of times and counts.
func near(t *testing.T, what string, is, want int) {
	t.Helper()
	if difference := is - want; max(difference, -difference) > 8+want/50 {
		t.Errorf("%s has %d bytes, own.json has %d: UPDATE=1 writes it anew", what, is, want)
	}
}
