package importer_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"customercare/infra/fixture"
	"customercare/infra/importer"
	"customercare/infra/testkit/dynamotest"
)

// convert converts lines into a folder, and gives what was reported in the order of the
// lines.
func convert(t testing.TB, o importer.ConvertOptions, lines string) (importer.Converted, []string) {
	t.Helper()
	var reports []string
	o.Report = func(line int, sentence string) { reports = append(reports, fmt.Sprintf("%04d: %s", line, sentence)) }
	done, err := importer.Convert(t.Context(), o, strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(reports)
	if done.Failed != len(reports) {
		t.Errorf("%d lines failed, %d are reported", done.Failed, len(reports))
	}
	return done, reports
}

// written are the lines of all files of each table.
func written(t testing.TB, dir string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		table := filepath.Base(filepath.Dir(path))
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		packed, err := gzip.NewReader(file)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(packed)
		if err != nil || !strings.HasSuffix(path, ".json.gz") || !bytes.HasSuffix(text, []byte("\n")) {
			t.Errorf("%s: %v", path, err)
		}
		all[table] = append(all[table], strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// putFiles puts what the files hold into the kit's tables, in no order, as the import
// from S3 does: the engine reads the lines' JSON, and nobody else.
func putFiles(t testing.TB, kit *dynamotest.Kit, files map[string][]string) {
	t.Helper()
	tables := map[string]string{"Users": kit.Users.Table, "Customers": kit.Customers.Table,
		"Contacts": kit.Contacts.Table, "Principals": kit.Principals.Table}
	for table, lines := range files {
		rand.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		for _, line := range lines {
			body := fmt.Sprintf(`{"TableName":%q,%s`, tables[table], strings.TrimPrefix(line, "{"))
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, os.Getenv("DYNAMODB_ENDPOINT"),
				strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/x-amz-json-1.0")
			request.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
			request.Header.Set("X-Amz-Date", "20260102T030405Z")
			request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260102/us-east-1/dynamodb/aws4_request,"+
				" SignedHeaders=host, Signature=0")
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			said, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s", line, said)
			}
		}
	}
}

// unsalted are the items of all tables without what differs between two loads: the
// tables' prefix, the salt of a password's hash, and when a secret was changed.
func unsalted(t testing.TB, kit *dynamotest.Kit) (all []string) {
	t.Helper()
	differs := regexp.MustCompile(`^test-\w+-|\$argon2id[^"]*|"changed":\{"Value":"\d+"\},`)
	for _, line := range kit.Dump(t, kit.All()...) {
		all = append(all, differs.ReplaceAllString(line, ""))
	}
	slices.Sort(all)
	return all
}

// repeated are lines of all kinds, each record several times and differently, with bad
// lines between them, so that what is taken and in which order matters.
func repeated() string {
	var lines []string
	add := func(r fixture.Record) { lines = append(lines, r.String()) }
	for round := range 3 {
		for i := range 12 {
			id := fmt.Sprint(i)
			user := fixture.Record{"kind": "user", "customerId": id, "note": round}
			switch round {
			case 0:
				user["devices"], user["activeAt"] = fixture.Fields{"d": fixture.Fields{"old": true}}, "2026-01-01T00:00:00Z"
			case 1:
				user["images"], user["other"] = fixture.Fields{"i": nil}, []any{1.50, "x", false, nil, fixture.Fields{}}
			case 2:
				user["devices"], user["activeAt"] = fixture.Fields{"new": fixture.Fields{}}, "2026-02-01T00:00:00Z"
			}
			add(user)
			add(fixture.Customer("a#%", id).With("round", round))
			add(fixture.Transaction("a#%", id, i).With("note", fmt.Sprintf("%d <&> ü\u2028\"\\ %s", round, strings.Repeat("x", i*400))))
			// Each time with another number: the copies of those before must not be left.
			numbers := []string{"1", fmt.Sprint("n", round), "n" + id}
			add(fixture.Contact("t", id, "1", numbers[1]).With("customNos", numbers))
		}
		add(fixture.Operator("csr", fmt.Sprint("a password of round ", round)))
		add(fixture.APIUser("john", fmt.Sprint("0123456789abcdef-", round), "a", fmt.Sprint(round)))
		add(fixture.App("portal", "0123456789abcdef-secret", "t"))
		lines = append(lines, `{"kind":"cat"}`, "", `{"kind":"user","customerId":""}`, "{", `{"kind":"transaction"}`)
	}
	return strings.Join(lines, "\r\n")
}

// What DynamoDB imports from the files of a conversion is what Load stores, item by item,
// wherever the records are cut, sorted, split into files and spread over parts.
func TestConvertIsWhatLoadStores(t *testing.T) {
	text := repeated()
	loaded := dynamotest.Open(t)
	counts, wantReports, err := load(t, loaded, text)
	if err == nil || len(wantReports) != 12 {
		t.Fatalf("%v: %q", err, wantReports)
	}
	want := unsalted(t, loaded)
	for name, o := range map[string]struct{ parts, pieces, fileBytes int }{
		"in memory":             {1, 0, 0},
		"on the disk":           {1, 7, 0},
		"many files":            {1, 0, 8_000},
		"three parts, on disk":  {3, 50, 8_000},
		"more parts than users": {16, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			kit := dynamotest.Open(t)
			var reports []string
			items, replaced, taken := 0, 0, map[string]int{}
			for part := range o.parts {
				out := filepath.Join(t.TempDir(), "out")
				options := importer.ConvertOptions{Out: out, Part: part + 1, Parts: o.parts}
				options.Bound(int64(o.fileBytes), o.pieces)
				done, said := convert(t, options, text)
				reports = append(reports, said...)
				replaced += done.Replaced
				for kind, n := range done.Loaded {
					taken[kind] += n
				}
				files := written(t, out)
				for table, amount := range done.Tables {
					if amount.Items != len(files[table]) || amount.Files == 0 || amount.Bytes < int64(amount.Items) {
						t.Errorf("%s is said to have %+v, and has %d items", table, amount, len(files[table]))
					}
					items += amount.Items
				}
				if name == "many files" && done.Tables["Customers"].Files < 3 {
					t.Errorf("%+v", done.Tables)
				}
				putFiles(t, kit, files)
			}
			slices.Sort(reports)
			if !slices.Equal(reports, wantReports) || fmt.Sprint(taken) != fmt.Sprint(counts.Loaded) {
				t.Errorf("taken %v, want %v; reported\n%q, want\n%q", taken, counts.Loaded, reports, wantReports)
			}
			got := unsalted(t, kit)
			if !slices.Equal(got, want) || items != len(want) || replaced != 2*(4*12+3) {
				i := 0
				for i < min(len(got), len(want)) && got[i] == want[i] {
					i++
				}
				t.Errorf("%d items, %d stand, want %d; %d lines replaced; the first that differ:\ngot  %q\nwant %q", items, len(got),
					len(want), replaced, got[i:min(len(got), i+1)], want[i:min(len(want), i+1)])
			}
		})
	}
}

// A line that makes a user larger than DynamoDB takes is refused as Load refuses it, and
// the user's lines before it count.
func TestConvertRefusesAUserThatGrewTooLarge(t *testing.T) {
	large := func(field string) string {
		return fmt.Sprintf(`{"kind":"user","customerId":"u",%q:{"x":"%s"}}`, field, strings.Repeat("x", 250<<10))
	}
	out := filepath.Join(t.TempDir(), "out")
	done, reports := convert(t, importer.ConvertOptions{Out: out},
		large("devices")+"\n"+large("images")+"\n"+`{"kind":"user","customerId":"u","note":1}`)
	if len(reports) != 1 || !strings.HasPrefix(reports[0], "0002: the record is larger than the 400 KB") ||
		done.Loaded["user"] != 2 || done.Replaced != 1 || done.Lines != 3 {
		t.Errorf("%+v %.200q", done, reports)
	}
	item := written(t, out)["Users"]
	if len(item) != 1 || !strings.Contains(item[0], `"devices"`) || strings.Contains(item[0], `"images"`) ||
		!strings.Contains(item[0], `"note"`) {
		t.Errorf("%.300q", item)
	}
}

// Who was erased is not converted, whichever line names them.
func TestConvertAsksForTheErased(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	done, reports := convert(t, importer.ConvertOptions{
		Out: out, Erased: func(_ context.Context, kind, scope, identifier string) (bool, error) {
			return kind == "customer" && scope == "a" && identifier == "gone" || kind == "number" && identifier == "2", nil
		},
	}, strings.Join([]string{
		fixture.Customer("a", "gone").String(), fixture.Transaction("a", "gone", 1).String(), fixture.Customer("b", "gone").String(),
		fixture.Contact("t", "c", "1", "2").String(), fixture.User("gone").String(),
	}, "\n"))
	if done.Back != 3 || len(reports) != 3 || done.Tables["Customers"].Items != 1 || done.Tables["Contacts"].Items != 0 ||
		done.Tables["Users"].Items != 1 {
		t.Errorf("%+v %q", done, reports)
	}
	broken := errors.New("the ledger cannot be read")
	_, err := importer.Convert(t.Context(), importer.ConvertOptions{Out: out + "2",
		Erased: func(context.Context, string, string, string) (bool, error) { return false, broken }},
		strings.NewReader(fixture.Customer("a", "c").String()))
	if !errors.Is(err, broken) || there(t, out+"2") {
		t.Errorf("%v", err)
	}
}
