// expected: exited 0
// It is its own annotation processor, on the class path of its own compilation.
import java.util.Set;
import javax.annotation.processing.AbstractProcessor;
import javax.annotation.processing.RoundEnvironment;
import javax.annotation.processing.SupportedAnnotationTypes;
import javax.lang.model.element.TypeElement;

@SupportedAnnotationTypes("*")
public class Problem extends AbstractProcessor {
  @Override
  public boolean process(Set<? extends TypeElement> annotations, RoundEnvironment round) {
    try {
      new java.io.FileWriter("/box/evil_was_here").close();
    } catch (java.io.IOException refused) {
    }
    return false;
  }
  public static void main(String[] words) {
    System.out.println("compiled");
  }
}
