import CRabbitMQ

extension String {
    /// The text as rabbitmq-c takes it, for the time of the call.
    func withBytes<R>(_ body: (amqp_bytes_t) -> R) -> R {
        var copy = self
        return copy.withUTF8 { utf8 in
            body(amqp_bytes_t(len: utf8.count, bytes: UnsafeMutableRawPointer(mutating: utf8.baseAddress)))
        }
    }

    /// A copy of what rabbitmq-c holds; what is not UTF-8 is repaired.
    init(_ bytes: amqp_bytes_t) {
        self.init(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }
}

extension Array<UInt8> {
    init(_ bytes: amqp_bytes_t) {
        self.init(UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len))
    }
}

/// A field table (AMQP 0-9-1, 4.2.5.5) on its way to the broker.
struct FieldTable {
    typealias Value = QueueDeclaration.Argument

    private let fields: [String: Value]

    init(_ fields: [String: Value]) {
        self.fields = fields
    }

    /// The table as rabbitmq-c takes it, for the time of the call.
    func withTable<R>(_ body: (amqp_table_t) -> R) -> R {
        // All texts stand in one buffer that does not move while the entries point into it.
        var texts: [UInt8] = []
        for (key, value) in fields {
            texts += key.utf8
            if case .text(let text) = value { texts += text.utf8 }
        }
        return texts.withUnsafeMutableBytes { texts in
            var offset = 0
            func place(_ text: String) -> amqp_bytes_t {
                let count = text.utf8.count
                defer { offset += count }
                return amqp_bytes_t(len: count, bytes: texts.baseAddress.map { $0 + offset })
            }
            var entries = fields.map { key, value in
                var entry = amqp_table_entry_t()
                entry.key = place(key)
                switch value {
                case .text(let text):
                    entry.value.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
                    entry.value.value.bytes = place(text)
                case .integer(let number):
                    entry.value.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
                    entry.value.value.i64 = number
                case .flag(let flag):
                    entry.value.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
                    entry.value.value.boolean = flag ? 1 : 0
                }
                return entry
            }
            return entries.withUnsafeMutableBufferPointer { entries in
                body(amqp_table_t(num_entries: Int32(entries.count), entries: entries.baseAddress))
            }
        }
    }
}

extension OutgoingMessage {
    /// What AMQP cannot carry of this message, or nil: short strings hold 255 bytes, and the header one frame.
    var violation: String? {
        let short = [("exchange", exchange), ("routing key", routingKey), ("message id", messageID), ("type", type)]
        for (name, text) in short + headers.keys.map({ ("header name", $0) }) where text.utf8.count > 255 {
            return "the \(name) is \(text.utf8.count) bytes long; AMQP allows 255"
        }
        let size = headers.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 6 }
        return size > 65536 ? "the headers take \(size) bytes; 65536 are allowed" : nil
    }

    /// The basic properties as rabbitmq-c takes them, for the time of the call.
    func withProperties(_ body: (UnsafePointer<amqp_basic_properties_t>) -> Void) {
        FieldTable(headers.mapValues(FieldTable.Value.text)).withTable { table in
            messageID.withBytes { messageID in
                type.withBytes { type in
                    "application/json".withBytes { contentType in
                        var properties = amqp_basic_properties_t()
                        properties._flags = amqp_flags_t(
                            AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG
                                | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_HEADERS_FLAG)
                        properties.content_type = contentType
                        properties.delivery_mode = persistent ? 2 : 1
                        properties.message_id = messageID
                        properties.type = type
                        properties.headers = table
                        withUnsafePointer(to: properties, body)
                    }
                }
            }
        }
    }
}

extension amqp_basic_properties_t {
    func has(_ flag: Int32) -> Bool { _flags & amqp_flags_t(flag) != 0 }

    /// The headers that are text, numbers or flags, as text.
    var textHeaders: [String: String] {
        guard has(AMQP_BASIC_HEADERS_FLAG) else { return [:] }
        var texts: [String: String] = [:]
        for entry in UnsafeBufferPointer(start: headers.entries, count: Int(headers.num_entries)) {
            texts[String(entry.key)] = entry.value.text
        }
        return texts
    }
}

extension amqp_field_value_t {
    fileprivate var text: String? {
        switch amqp_field_value_kind_t(UInt32(kind)) {
        case AMQP_FIELD_KIND_UTF8, AMQP_FIELD_KIND_BYTES: String(value.bytes)
        case AMQP_FIELD_KIND_BOOLEAN: value.boolean == 0 ? "false" : "true"
        case AMQP_FIELD_KIND_I8: "\(value.i8)"
        case AMQP_FIELD_KIND_U8: "\(value.u8)"
        case AMQP_FIELD_KIND_I16: "\(value.i16)"
        case AMQP_FIELD_KIND_U16: "\(value.u16)"
        case AMQP_FIELD_KIND_I32: "\(value.i32)"
        case AMQP_FIELD_KIND_U32: "\(value.u32)"
        case AMQP_FIELD_KIND_I64: "\(value.i64)"
        case AMQP_FIELD_KIND_U64, AMQP_FIELD_KIND_TIMESTAMP: "\(value.u64)"
        case AMQP_FIELD_KIND_F32: "\(value.f32)"
        case AMQP_FIELD_KIND_F64: "\(value.f64)"
        default: nil
        }
    }
}
