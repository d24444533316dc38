import JobConfig
import SlipwayModel
import Testing

@Suite struct GoTemplateTests {
    static let data: JSONValue = .object([
        "Name": .string("unit"), "Count": .integer(2), "Empty": .string(""),
        "Refs": .object([
            "Org": .string("lantern"),
            "Pulls": .array([.object(["Number": .integer(7)]), .object(["Number": .integer(8)])]),
        ]),
    ])

    @Test(
        "What Go's text/template writes",
        arguments: [
            ("plain", "plain"), ("{{.Name}} of {{ .Refs.Org }}", "unit of lantern"),
            ("{{with index .Refs.Pulls 0}}{{.Number}}{{end}}", "7"),
            ("{{with .Empty}}a{{else}}b{{end}}", "b"), ("{{if .Count}}a{{else}}b{{end}}", "a"),
            ("{{with .Refs}}{{$.Name}}{{.Org}}{{end}}", "unitlantern"),
            ("{{range .Refs.Pulls}}<{{.Number}}>{{end}}", "<7><8>"),
            ("{{range .Empty}}x{{else}}none{{end}}", "none"), ("a {{- .Name -}} b", "aunitb"),
            ("a{{/* a {{ comment */}}b", "ab"), ("{{if eq .Name \"unit\" `other`}}y{{end}}", "y"),
            ("{{if and .Name (not .Empty)}}y{{end}}", "y"), ("{{or .Empty .Name}}", "unit"),
            ("{{len .Refs.Pulls}}{{if ne .Count 2}}x{{end}}", "2"), ("{{print \"a b&\" | urlquery}}", "a+b%26"),
            ("{{if .Empty}}{{if .Name}}x{{end}}{{end}}.", "."),
        ])
    func render(text: String, expected: String) throws {
        #expect(try GoTemplate(text).render(Self.data) == expected)
    }

    @Test(
        "What is refused, with a reason",
        arguments: [
            ("{{.Name", "has '{{' without '}}'"), ("{{.Nme}}", "names the field 'Nme', which does not exist"),
            ("{{if .Name}}x", "has 'if' without 'end'"), ("x{{end}}", "without a block"), ("{{}}", "says nothing"),
            ("{{printf .Name}}", "has 'printf', which is not served"), ("{{$x := 1}}", "has the variable '$x'"),
            ("{{(.Name}}", "has a '(' without ')'"), ("{{.Name)}}", "has a ')' without '('"),
            ("{{index .Refs.Pulls 2}}", "takes the index 2"), ("{{.Name .Name}}", "what is no function"),
            ("{{not}}", "0 arguments"), (String(repeating: "{{if 1}}", count: 40), "nests deeper than 32"),
            (String(repeating: "x", count: 20_000), "more than 16384 bytes"),
            ("{{" + String(repeating: "(", count: 50) + "}}", "nests more than 32 parentheses"),
        ])
    func refuse(text: String, words: String) {
        let error = #expect(throws: GoTemplateError.self) { try GoTemplate(text).render(Self.data) }
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }
}
