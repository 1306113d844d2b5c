package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"customercare/infra/dynamotest"
	"customercare/infra/stack"
)

// Each function's rights are what it does and nothing else. All calls of the whole suite are noted as IAM would see them;
// when all tests have run, TestMain holds them against the roles of template.yaml.
var used = &usage{actions: map[string]map[string]bool{}}

// usage is, by access key, the actions on resources that were called: "dynamodb:PutItem Customers".
type usage struct {
	mu      sync.Mutex
	actions map[string]map[string]bool
	wrong   []string // what no role could express
}

// signer finds the access key in a request's signature. In the local stack each function has one of its own, as each has a
// role of its own on AWS.
var signer = regexp.MustCompile(`Credential=([A-Z0-9]+)/`)

// write is an item to write or its key, in a transaction or a batch.
type write struct {
	TableName           string
	Item, Key           map[string]any
	ConditionExpression string
}

// note takes one call to DynamoDB.
func (u *usage) note(r *http.Request, body []byte) {
	found := signer.FindStringSubmatch(r.Header.Get("Authorization"))
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if found == nil || action == "" {
		return
	}
	var call struct {
		write
		IndexName     string
		RequestItems  map[string]json.RawMessage
		TransactItems []map[string]write
	}
	if err := json.Unmarshal(body, &call); err != nil {
		return // not a call of ours: garbage that a test sends through
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch action {
	case "TransactWriteItems":
		for _, item := range call.TransactItems {
			for kind, w := range item {
				u.add(found[1], map[string]string{
					"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem",
				}[kind], w.TableName, w)
			}
		}
	case "BatchWriteItem", "BatchGetItem":
		for table, raw := range call.RequestItems {
			var requests []struct{ PutRequest, DeleteRequest *write }
			_ = json.Unmarshal(raw, &requests) // BatchGetItem has another form and no attributes
			for _, request := range requests {
				for _, w := range []*write{request.PutRequest, request.DeleteRequest} {
					if w != nil {
						u.add(found[1], action, table, *w)
					}
				}
			}
			u.add(found[1], action, table, write{})
		}
	default:
		table := call.TableName
		if call.IndexName != "" {
			table += "/index/" + call.IndexName
		}
		u.add(found[1], action, table, call.write)
	}
}

// only are the attributes that a role lets a call name, by action and table.
var only = map[string][]string{
	"PutItem Customers": {"customer", "record", "tombstone", "at"}, "BatchWriteItem Customers": {"customer", "record"},
}

// under are the keys' beginnings that a role lets a call name.
var under = map[string][]string{"UpdateItem Principals": {"failures#"}, "PutItem Principals": {"token#"}}

func firstOf(maps ...map[string]any) map[string]any {
	for _, m := range maps {
		if m != nil {
			return m
		}
	}
	return nil
}

func (u *usage) add(key, action, table string, w write) {
	table = table[strings.LastIndex(table, "-")+1:] // without the suite's prefix
	if u.actions[key] == nil {
		u.actions[key] = map[string]bool{}
	}
	u.actions[key]["dynamodb:"+action+" "+table] = true
	if prefixes, limited := under[action+" "+table]; limited {
		key, _ := firstOf(w.Key, w.Item)["principal"].(map[string]any)
		if !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(fmt.Sprint(key["S"]), prefix) }) {
			u.wrong = append(u.wrong, fmt.Sprintf("%s: %s on %s of %v", key, action, table, key["S"]))
		}
	}
	allowed, limited := only[action+" "+table]
	if !limited {
		return
	}
	names := append(slices.Collect(maps.Keys(w.Item)), slices.Collect(maps.Keys(w.Key))...)
	for _, word := range regexp.MustCompile(`[:#]?[A-Za-z_]+`).FindAllString(w.ConditionExpression, -1) {
		if !strings.HasPrefix(word, ":") && word != "AND" && word != "OR" && !strings.HasPrefix(word, "attribute_") {
			names = append(names, word)
		}
	}
	for _, name := range names {
		if !slices.Contains(allowed, name) {
			u.wrong = append(u.wrong, fmt.Sprintf("%s: %s on %s names the attribute %s", key, action, table, name))
		}
	}
}

// compare lists where rights and calls differ.
func (u *usage) compare() (differences []string) {
	resources, err := stack.Resources(filepath.Join(dynamotest.Root(), "template.yaml"), nil)
	if err != nil {
		return []string{err.Error()}
	}
	for _, call := range running.Secrets().Calls() {
		u.mu.Lock()
		if u.actions[call.AccessKeyID] == nil {
			u.actions[call.AccessKeyID] = map[string]bool{}
		}
		u.actions[call.AccessKeyID]["secretsmanager:"+call.Action+" DigestKeys"] = true
		u.mu.Unlock()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	differences = u.wrong
	for _, f := range running.Template.Functions {
		may := map[string]bool{}
		for _, r := range resources {
			if r.ID == strings.TrimSuffix(f.Name, "Function")+"Role" {
				may = granted(r)
			}
		}
		did := u.actions[f.AccessKeyID()]
		for _, right := range slices.Sorted(maps.Keys(may)) {
			if !did[right] {
				differences = append(differences, f.Folder+" may "+right+", and never does")
			}
		}
		for _, action := range slices.Sorted(maps.Keys(did)) {
			if !may[action] {
				differences = append(differences, f.Folder+" does "+action+", and may not")
			}
		}
	}
	return differences
}

// notCalled are rights that the platform uses on the function's behalf.
var notCalled = regexp.MustCompile(`^(logs|xray|sqs):|^dynamodb:(DescribeStream|GetRecords|GetShardIterator|ListStreams)$`)

func granted(role stack.Resource) map[string]bool {
	may := map[string]bool{}
	policies, _ := role.Properties["Policies"].([]any)
	for _, policy := range policies {
		document, _ := policy.(map[string]any)["PolicyDocument"].(map[string]any)
		statements, _ := document["Statement"].([]any)
		for _, s := range statements {
			statement, _ := s.(map[string]any)
			action, resource := fmt.Sprint(statement["Action"]), fmt.Sprint(statement["Resource"])
			if notCalled.MatchString(action) {
				continue
			}
			if _, table, ok := strings.Cut(resource, ":table/"); ok {
				resource = table
			} else if strings.Contains(resource, ":secret:DigestKeys") {
				resource = "DigestKeys"
			}
			may[action+" "+resource] = true
		}
	}
	return may
}

// wholeSuite tells whether all tests ran: part of them does not make all calls.
func wholeSuite() bool {
	for _, name := range []string{"test.run", "test.skip"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}
