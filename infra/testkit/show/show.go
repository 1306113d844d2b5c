// Package show writes values into the messages of failing tests. fmt writes an address
// where a value holds a pointer, of which a reader learns nothing.
package show

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// Values gives what %+v gives, with what pointers point to in place of their addresses,
// texts in quotes, and the times and errors of hidden fields in words.
func Values(value any) string {
	var b strings.Builder
	write(&b, open(reflect.ValueOf(value)), 0)
	return b.String()
}

// maxDepth ends what points to itself.
const maxDepth = 20

// open gives the value in a place of its own, so that its hidden fields can be read.
func open(v reflect.Value) reflect.Value {
	if !v.IsValid() {
		return v
	}
	own := reflect.New(v.Type()).Elem()
	own.Set(v)
	return own
}

func write(b *strings.Builder, v reflect.Value, depth int) {
	switch {
	case !v.IsValid():
		b.WriteString("nil")
		return
	case depth > maxDepth:
		b.WriteString("...")
		return
	}
	kind := v.Kind()
	if (kind == reflect.Pointer || kind == reflect.Interface || kind == reflect.Map || kind == reflect.Func || kind == reflect.Chan) && v.IsNil() {
		b.WriteString("nil")
		return
	}
	if kind != reflect.Interface {
		switch v.Interface().(type) {
		case error, fmt.Stringer:
			fmt.Fprint(b, v.Interface())
			return
		}
	}
	switch kind {
	case reflect.Pointer, reflect.Interface:
		write(b, open(v.Elem()), depth+1)
	case reflect.Struct:
		b.WriteByte('{')
		for i := range v.NumField() {
			name, field := v.Type().Field(i).Name, v.Field(i)
			if field.Type().Size() == 0 { // such as those that only forbid something
				continue
			}
			if b.String()[b.Len()-1] != '{' {
				b.WriteByte(' ')
			}
			b.WriteString(name + ":")
			write(b, reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem(), depth+1)
		}
		b.WriteByte('}')
	case reflect.Map:
		var pairs []string
		for key, of := range v.Seq2() {
			var pair strings.Builder
			write(&pair, open(key), depth+1)
			pair.WriteByte(':')
			write(&pair, open(of), depth+1)
			pairs = append(pairs, pair.String())
		}
		slices.Sort(pairs)
		b.WriteString("map[" + strings.Join(pairs, " ") + "]")
	case reflect.Slice, reflect.Array:
		if text, ok := v.Interface().([]byte); ok {
			fmt.Fprintf(b, "%q", text)
			return
		}
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(' ')
			}
			write(b, open(v.Index(i)), depth+1)
		}
		b.WriteByte(']')
	case reflect.Func, reflect.Chan:
		b.WriteString("a " + kind.String())
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	default:
		fmt.Fprint(b, v.Interface())
	}
}
