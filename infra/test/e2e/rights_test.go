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

	"customercare/infra/local/awsjson"
	"customercare/infra/local/lambda"
	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// Each function's rights are what it does and nothing else. All calls of the whole suite
// are noted as IAM would see them; when all tests have run, TestMain holds them against
// the roles of template.yaml.
var used = &usage{actions: map[string]map[string]*reached{}}

// usage is, by access key and by action on a resource ("dynamodb:PutItem Customers"),
// what the calls reached.
type usage struct {
	mu      sync.Mutex
	actions map[string]map[string]*reached
	stacks  map[string]*usage // of single stacks, by the prefix of their tables
}

// on is what calls reach from now on in the stack whose tables have this prefix.
func (u *usage) on(prefix string) *usage {
	own := &usage{actions: map[string]map[string]*reached{}}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stacks == nil {
		u.stacks = map[string]*usage{}
	}
	u.stacks[prefix] = own
	return own
}

// reached is what conditions of roles look at: the top-level attributes that calls named,
// and their partition keys.
type reached struct{ attributes, keys map[string]bool }

// write is an item to write or its key, in a transaction or a batch, or the update of
// one.
type write struct {
	TableName                             string
	Item, Key                             map[string]any
	ConditionExpression, UpdateExpression string
	ExpressionAttributeNames              map[string]string
}

// What stands in an expression and is no attribute: values, functions, words of the
// language, and what lies below an attribute.
var (
	nameInExpression = regexp.MustCompile(`[.:]?#?[A-Za-z_][A-Za-z0-9_]*(\s*\()?`)
	wordOfExpression = regexp.MustCompile(`^(?i:SET|REMOVE|ADD|DELETE|AND|OR|NOT|IN|BETWEEN)$`)
)

// attributes are the top-level ones that the call names.
func (w write) attributes() map[string]bool {
	names := map[string]bool{}
	for name := range w.Item {
		names[name] = true
	}
	for name := range w.Key {
		names[name] = true
	}
	for _, name := range nameInExpression.FindAllString(w.ConditionExpression+" "+w.UpdateExpression, -1) {
		if strings.ContainsAny(name, ".:(") || wordOfExpression.MatchString(name) {
			continue
		}
		if strings.HasPrefix(name, "#") {
			name = w.ExpressionAttributeNames[name]
		}
		names[name] = true
	}
	return names
}

// note takes one call to DynamoDB.
func (u *usage) note(r *http.Request, body []byte) {
	key := awsjson.AccessKeyID(r) // each function has one of its own, as each has a role of its own on AWS
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if key == "" || action == "" {
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
				u.add(key, map[string]string{
					"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem",
					"ConditionCheck": "ConditionCheckItem",
				}[kind], w.TableName, w)
			}
		}
	case "BatchWriteItem", "BatchGetItem":
		for table, raw := range call.RequestItems {
			var requests []struct{ PutRequest, DeleteRequest *write }
			var reads struct{ Keys []map[string]any }
			_, _ = json.Unmarshal(raw, &requests), json.Unmarshal(raw, &reads) // each has one of the two forms
			for _, read := range reads.Keys {
				u.add(key, action, table, write{Key: read})
			}
			for _, request := range requests {
				for _, w := range []*write{request.PutRequest, request.DeleteRequest} {
					if w != nil {
						u.add(key, action, table, *w)
					}
				}
			}
			u.add(key, action, table, write{})
		}
	default:
		table := call.TableName
		if call.IndexName != "" {
			table += "/index/" + call.IndexName
		}
		u.add(key, action, table, call.write)
	}
}

// add notes that a function, by its access key, made a call of this action on a table.
func (u *usage) add(key, action, table string, w write) {
	prefix := table[:strings.LastIndex(table, "-")+1]
	if own := u.stacks[prefix]; own != nil {
		own.mu.Lock()
		own.add(key, action, table[len(prefix):], w)
		own.mu.Unlock()
	}
	table = table[len(prefix):]
	r := u.reach(key, "dynamodb:"+action+" "+table)
	maps.Copy(r.attributes, w.attributes())
	for _, item := range []map[string]any{w.Item, w.Key} {
		// the tables' partition keys
		for _, name := range []string{"customerId", "customer", "party", "principal", "erasureId", "part", "rule", "hold"} {
			if value, has := item[name].(map[string]any); has {
				r.keys[fmt.Sprint(value["S"])] = true
			}
		}
	}
}

// reach is what calls by right reached so far: "dynamodb:PutItem Users".
func (u *usage) reach(key, right string) *reached {
	if u.actions[key] == nil {
		u.actions[key] = map[string]*reached{}
	}
	r := u.actions[key][right]
	if r == nil {
		r = &reached{map[string]bool{}, map[string]bool{}}
		u.actions[key][right] = r
	}
	return r
}

// against tells what the calls reached that the condition does not let through, and what
// it lets through that they never reach.
func (r *reached) against(condition any) (wrong []string) {
	tests, _ := condition.(map[string]any)
	for operator, test := range tests {
		for key, value := range test.(map[string]any) {
			list, _ := value.([]any)
			switch operator + " " + key {
			case "Null dynamodb:Attributes", "Null dynamodb:LeadingKeys": // every call has some
				if value != "false" {
					wrong = append(wrong, fmt.Sprintf("under the condition that there is no %s", key))
				}
			case "ForAllValues:StringEquals dynamodb:Attributes":
				allowed := map[string]bool{}
				for _, name := range list {
					allowed[name.(string)] = true
				}
				for _, name := range slices.Sorted(maps.Keys(r.attributes)) {
					if !allowed[name] {
						wrong = append(wrong, "naming the attribute "+name+", and does")
					}
				}
				for _, name := range slices.Sorted(maps.Keys(allowed)) {
					if !r.attributes[name] {
						wrong = append(wrong, "only without the attribute "+name+", because it never names it")
					}
				}
			case "ForAllValues:StringLike dynamodb:LeadingKeys":
				inUse := map[any]bool{}
				for name := range r.keys {
					at := slices.IndexFunc(list, func(pattern any) bool {
						prefix, any := strings.CutSuffix(pattern.(string), "*")
						return name == pattern || any && strings.HasPrefix(name, prefix)
					})
					if at < 0 {
						wrong = append(wrong, "with the key "+name+", and does")
						continue
					}
					inUse[list[at]] = true
				}
				for _, pattern := range list {
					if !inUse[pattern] {
						wrong = append(wrong, fmt.Sprintf("with keys like %v, because it never does", pattern))
					}
				}
			default:
				wrong = append(wrong, fmt.Sprintf("under a condition that is not understood: %s %s", operator, key))
			}
		}
	}
	return wrong
}

// compare lists where rights and calls differ.
func (u *usage) compare() (differences []string) {
	resources, err := template.Resources(filepath.Join(dynamotest.Root(), "template.yaml"), nil)
	if err != nil {
		return []string{err.Error()}
	}
	for _, call := range running.Secrets().Calls() {
		u.mu.Lock()
		u.reach(call.AccessKeyID, "secretsmanager:"+call.Action+" DigestKeys")
		u.mu.Unlock()
	}
	for _, call := range running.KMS().Calls() {
		u.mu.Lock()
		u.reach(call.AccessKeyID, "kms:"+call.Action+" LedgerKey")
		u.mu.Unlock()
	}
	for _, f := range running.Template.Functions {
		differences = append(differences, u.compareOne(f, rightsOf(resources, f))...)
	}
	return differences
}

// whenTimeIsUp are the rights with which a worker hands a job on because its own time is
// up: here none needs so long. shared/erasure has the tests of it.
var whenTimeIsUp = []string{"continue-erasure dynamodb:PutItem Erasures", "cleanup dynamodb:PutItem Erasures"}

// compareOne lists where a function's rights and its calls differ.
func (u *usage) compareOne(f lambda.Function, may map[string]any) (differences []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	did := u.actions[f.AccessKeyID()]
	for _, right := range slices.Sorted(maps.Keys(may)) {
		if did[right] == nil {
			differences = append(differences, f.Folder+" may "+right+", and never does")
			continue
		}
		for _, wrong := range did[right].against(may[right]) {
			if slices.Contains(whenTimeIsUp, f.Folder+" "+right) && strings.HasPrefix(wrong, "with keys like handover-*") {
				continue
			}
			differences = append(differences, f.Folder+" may "+right+" not "+wrong)
		}
	}
	for _, action := range slices.Sorted(maps.Keys(did)) {
		if _, granted := may[action]; !granted {
			differences = append(differences, f.Folder+" does "+action+", and may not")
		}
	}
	return differences
}

// rightsOf are the rights of a function's role, with their conditions.
func rightsOf(resources []template.Resource, f lambda.Function) map[string]any {
	may := map[string]any{}
	role := strings.TrimSuffix(f.Name, "Function") + "Role"
	for _, r := range resources {
		switch {
		case r.ID == role:
			maps.Copy(may, granted(r))
		case r.Type == "AWS::KMS::Key": // whose policy names the role
			policy, _ := r.Properties["KeyPolicy"].(map[string]any)
			statements, _ := policy["Statement"].([]any)
			for _, s := range statements {
				statement, _ := s.(map[string]any)
				if strings.Contains(fmt.Sprint(statement["Principal"]), ":"+role+"/") {
					may[fmt.Sprint(statement["Action"], " ", r.ID)] = nil // what it signs, the key itself checks
				}
			}
		}
	}
	return may
}

// notCalled are rights that the platform uses on the function's behalf:
// infra/test/template has their list.
var notCalled = regexp.MustCompile(`^(logs|xray|sqs):|^dynamodb:(DescribeStream|GetRecords|GetShardIterator|ListStreams)$`)

// granted are a role's rights with their conditions. That a role has one policy and gives
// each right once, infra/test/template tests.
func granted(role template.Resource) map[string]any {
	may := map[string]any{}
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
			may[action+" "+resource] = statement["Condition"]
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
