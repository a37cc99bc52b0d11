import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ConstantPoolSharingOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.constant.ClassDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Gives the classes of a jar the format of Java 8 with its stack maps. What is older, as picocli's classes for Java 5 are, has no
 * place in the JVM's AOT cache, and is verified slowly at every start.
 *
 * <pre>{@code java Modernise.java old.jar}</pre>
 */
final class Modernise {
    private static final int JAVA_8 = 52;

    public static void main(String[] arguments) throws IOException {
        Path jar = Path.of(arguments[0]);
        Path part = Path.of(jar + ".part");
        try (ZipFile old = new ZipFile(jar.toFile());
                ZipOutputStream modern = new ZipOutputStream(Files.newOutputStream(part))) {
            ClassFile format = ClassFile.of(
                    StackMapsOption.GENERATE_STACK_MAPS,
                    ConstantPoolSharingOption.NEW_POOL,
                    ClassFile.ClassHierarchyResolverOption.of(
                            ClassHierarchyResolver.ofResourceParsing(type -> classIn(old, type))
                                    .orElse(ClassHierarchyResolver.defaultResolver())));
            for (ZipEntry entry : Collections.list(old.entries())) {
                byte[] content = old.getInputStream(entry).readAllBytes();
                boolean isClass = entry.getName().endsWith(".class");
                ZipEntry copy = new ZipEntry(entry.getName());
                copy.setTime(entry.getTime());
                modern.putNextEntry(copy);
                modern.write(isClass && major(content) < JAVA_8 ? modernised(format, content) : content);
            }
        }
        Files.move(part, jar, StandardCopyOption.REPLACE_EXISTING);
    }

    private static int major(byte[] classFile) {
        return (classFile[6] & 0xFF) << 8 | classFile[7] & 0xFF;
    }

    private static byte[] modernised(ClassFile format, byte[] classFile) {
        ClassTransform rewriteCode = ClassTransform.transformingMethodBodies((code, instruction) -> code.with(instruction));
        return format.transformClass(format.parse(classFile), rewriteCode.andThen((built, element) -> {
            if (element instanceof ClassFileVersion) {
                built.withVersion(JAVA_8, 0);
            } else {
                built.with(element);
            }
        }));
    }

    private static InputStream classIn(ZipFile jar, ClassDesc type) {
        String descriptor = type.descriptorString();
        ZipEntry entry = jar.getEntry(descriptor.substring(1, descriptor.length() - 1) + ".class");
        try {
            return entry == null ? null : jar.getInputStream(entry);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
